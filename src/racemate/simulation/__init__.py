"""From a scenario to numbers an engine can run: which modules, which parameters, which dosing records."""
