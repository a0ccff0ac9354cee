"""The symbolic core: expressions with units, modules, slots, and their composition into one system."""

from racemate.model.compose import compose
from racemate.model.graph import Expr, Graph, delay, exp, hill, log, maximum, minimum, sqrt, uniform, where
from racemate.model.linear_chain import linear_chain
from racemate.model.model import Model, Module
from racemate.model.system import Action, DoseTarget, Event, Output, Parameter, Pathway, State, System

__all__ = [
    "Action", "DoseTarget", "Event", "Expr", "Graph", "Model", "Module", "Output", "Parameter", "Pathway",
    "State", "System", "compose", "delay", "exp", "hill", "linear_chain", "log", "maximum", "minimum", "sqrt",
    "uniform", "where",
]  # fmt: skip
