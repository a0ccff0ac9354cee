"""A small library of one drug, one target and one effect, whole and valid, for tests to break."""

from __future__ import annotations

DRUG = """
id = "examplamine"
label = "Examplamine"
aliases = ["Example"]
classes = ["teaching"]

[products.examplamine]
label = "Examplamine injection"
aliases = ["Examplar"]
states = "hydrochloride"
salt_factor = { value = 0.9, unit = "1", kind = "measured", source = "roe2001" }
composition = [{ substance = "examplamine", fraction = 1.0 }]

[products.examplamine.range.iv]
low = 1
high = 10
unit = "mg"
source = "roe2001"

[substances.examplamine]
label = "Examplamine"
molar_mass = { value = 200.0, unit = "g/mol", kind = "measured", source = "roe2001" }
fraction_unbound = { value = 0.5, unit = "1", kind = "measured", source = "roe2001" }

[substances.norexamplamine]
label = "Norexamplamine"
molar_mass = { value = 186.0, unit = "g/mol", kind = "measured", source = "roe2001" }

[kinetics.roe-2001]
label = "Roe 2001"
source = "roe2001"
site = "venous"
population = "10 healthy volunteers"
default = true
routes = ["iv", "oral"]
substances = ["examplamine", "norexamplamine"]

[kinetics.roe-2001.parameters]
V_age = { value = 0.1, unit = "L/year", kind = "estimated", source = "roe2001" }

[kinetics.roe-2001.disposition.examplamine]
V1 = { expression = "20 - V_age*(age - 40)", unit = "L", between_subject = { cv = 0.3 } }
CL = { value = 1.0, unit = "L/min", kind = "estimated", source = "roe2001", covariates = "(weight/70)^0.75", between_subject = { cv = 0.2 }, uncertainty = { kind = "CI95", low = 0.8, high = 1.3 } }
V2 = { value = 0.5, unit = "L/kg", kind = "estimated", source = "roe2001" }
Q2 = { value = 30.0, unit = "L/h", kind = "estimated", source = "roe2001" }

[kinetics.roe-2001.disposition.norexamplamine]
V1 = { value = 30.0, unit = "L", kind = "assumed", source = "roe2001" }
CL = { value = 0.5, unit = "L/min", kind = "assumed", source = "roe2001" }

[[kinetics.roe-2001.formation]]
from = "examplamine"
to = "norexamplamine"
fraction = { value = 0.6, unit = "1", kind = "assumed", source = "roe2001" }
transit_compartments = 2
MTT = { value = 20.0, unit = "min", kind = "estimated", source = "roe2001" }

[kinetics.roe-2001.absorption.oral.examplamine]
pathways = [{ F = { value = 0.2, unit = "1", kind = "estimated", source = "roe2001" }, ka = { value = 1.0, unit = "1/h", kind = "estimated", source = "roe2001" } }]

[[kinetics.roe-2001.correlations]]
a = "disposition.examplamine.V1"
b = "disposition.examplamine.CL"
covariance = 0.02

[effect_site.examplamine]
ke0 = { value = 0.2, unit = "1/min", kind = "estimated", source = "roe2001" }

[binding.mu.examplamine]
Ki = { value = 50.0, unit = "nmol/L", kind = "measured", source = "roe2001", uncertainty = { kind = "range", low = 20, high = 90 } }
efficacy = { value = 0.7, unit = "1", kind = "assumed", source = "roe2001" }
"""  # noqa: E501 - the lines are those of a drug file

TARGET = """
id = "mu"
label = "mu opioid receptor"
signalling = "Gi/o"
half_time = { value = 2.0, unit = "min", kind = "assumed", source = "roe2001" }
"""

EFFECT = """
id = "sleep"
label = "Sleep"
unit = "1"

[sets.roe]
label = "Roe 2001"
source = "roe2001"
site = "venous"
default = true
gamma = { value = 2.0, unit = "1", kind = "estimated", source = "roe2001" }

[sets.roe.ligands.examplamine]
site = "venous"
c50 = { value = 100.0, unit = "ng/mL", kind = "estimated", source = "roe2001" }
"""

BIBLIOGRAPHY = """
% one paper
@article{roe2001,
  author = {Roe, Jane and Doe, J. P. and {The Example Group}},
  title = {The kinetics of {E}xamplamine},
  journal = {J Ex}, volume = {1}, pages = {1--9}, year = {2001},
  doi = {10.1000/example.1}
}
"""

FILES = {
    "library/references.bib": BIBLIOGRAPHY,
    "library/drugs/examplamine.toml": DRUG,
    "library/targets/mu.toml": TARGET,
    "library/effects/sleep.toml": EFFECT,
}
