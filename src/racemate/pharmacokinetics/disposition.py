"""Where a substance goes once it is in the body: compartments, elimination, metabolites, sampling sites.

Amounts are in nmol, so that what leaves the parent arrives in the metabolite whatever their masses, and
what is given is always in the body, eliminated, or was never absorbed.
"""

from __future__ import annotations

from racemate.errors import RacemateError
from racemate.library.entries import Disposition, Formation, KineticModel, Portal, SiteLink, Substance
from racemate.model import Expr, Model, Module
from racemate.pharmacokinetics.individual import individual, molar


def dose_scale(m: Module, kinetic: KineticModel) -> Expr:
    """The usual size of an amount: the largest single dose of the scenario, set at run time."""
    return m.parameter(f"dose-scale.{kinetic.drug}", 1.0, "nmol", kind="scale")


def amount(substance: str, part: str) -> str:
    """The name of a state that holds an amount of a substance."""
    return f"amount.{substance}.{part}"


def add_disposition(model: Model, kinetic: KineticModel, substance: Substance) -> None:
    """Mammillary compartments of one substance, its elimination and its concentration at the model's site."""
    m = model.module(f"disposition of {substance.name} ({kinetic.name})")
    disposition = kinetic.disposition[substance.name]
    scale = dose_scale(m, kinetic)
    value = {
        name: molar(m, individual(m, v, kinetic.parameters), substance) for name, v in disposition.parameters.items()
    }
    central = m.state(amount(substance.name, "central"), "nmol", scale=scale)
    concentration = central / value["V1"]
    for i in range(2, disposition.compartments + 1):
        _peripheral(m, substance.name, i, central, value, scale)
    m.state(amount(substance.name, "eliminated"), "nmol", scale=scale)
    if substance.name in kinetic.portal:
        _portal(m, kinetic, kinetic.portal[substance.name], central, value["V1"], scale)
    else:
        _eliminate(m, kinetic, substance.name, _clearance(m, disposition, value, concentration), concentration)
    m.dose(f"{substance.name}/iv", into=amount(substance.name, "central"))
    _offer_concentration(m, kinetic, substance, concentration)


def _peripheral(m: Module, name: str, i: int, central: Expr, value: dict[str, Expr], scale: Expr) -> None:
    state = amount(name, f"peripheral-{i - 1}")
    peripheral = m.state(state, "nmol", scale=scale)
    flow = value[f"Q{i}"] / value["V1"] * central - value[f"Q{i}"] / value[f"V{i}"] * peripheral
    m.rate(state, flow)
    m.rate(amount(name, "central"), -flow)


def _clearance(m: Module, disposition: Disposition, value: dict[str, Expr], concentration: Expr) -> Expr:
    """What is cleared at a concentration: in proportion, by an enzyme that saturates, or by both side by side."""
    linear = value.get("CL")
    if not {"Vmax", "Km"} <= set(value):
        if linear is not None:
            return linear
        raise RacemateError(
            f"the disposition of '{disposition.substance}' has neither CL nor Vmax and Km", where=m.name, fix="add CL"
        )
    saturable = value["Vmax"] / (value["Km"] + concentration)
    return saturable if linear is None else saturable + linear


def _eliminate(m: Module, kinetic: KineticModel, name: str, total: Expr, concentration: Expr) -> None:
    """Split what leaves the central compartment between the metabolites and everything else."""
    central, eliminated = amount(name, "central"), amount(name, "eliminated")
    flux = total * concentration
    m.rate(central, -flux)
    m.rate(eliminated, flux)
    for formation in kinetic.formation:
        if formation.parent != name:
            continue
        if formation.fraction is not None:
            part = individual(m, formation.fraction, kinetic.parameters) * flux
        else:
            assert formation.clearance is not None
            clearance = individual(m, formation.clearance, kinetic.parameters)
            part = flux * (clearance / total)
        m.rate(eliminated, -part)
        m.rate(formation_entry(kinetic, formation.metabolite), part)


def _portal(m: Module, kinetic: KineticModel, portal: Portal, central: Expr, v1: Expr, scale: Expr) -> None:
    """A hepato-portal compartment between the gut and the circulation; all elimination happens there."""
    name = portal.substance
    state = amount(name, "portal")
    inside = m.state(state, "nmol", scale=scale)
    p = {key: individual(m, v, kinetic.parameters) for key, v in portal.parameters.items()}
    exchange = p["Qh"] / v1 * central - p["Qh"] / p["Vh"] * inside
    m.rate(amount(name, "central"), -exchange)
    m.rate(state, exchange - p["kel"] * inside)
    m.rate(amount(name, "eliminated"), p["kel"] * inside)
    if "kmet" in p:
        m.rate(state, -p["kmet"] * inside)
        entry = amount(name, "eliminated")
        if portal.metabolite is not None:
            entry = formation_entry(kinetic, portal.metabolite)
        m.rate(entry, p["kmet"] * inside)


def formation_entry(kinetic: KineticModel, metabolite: str) -> str:
    """The state that newly formed metabolite enters: the first transit compartment, or the central one."""
    for formation in kinetic.formation:
        if formation.metabolite == metabolite and formation.transit_compartments:
            return amount(metabolite, "transit-1")
    return amount(metabolite, "central")


def add_formation(model: Model, kinetic: KineticModel, formation: Formation) -> None:
    """The transit compartments between a parent's elimination and its metabolite's appearance."""
    if not formation.transit_compartments:
        return
    m = model.module(f"formation of {formation.metabolite} ({kinetic.name})")
    assert formation.MTT is not None
    chain = [amount(formation.metabolite, f"transit-{i + 1}") for i in range(formation.transit_compartments)]
    rate = formation.transit_compartments / individual(m, formation.MTT, kinetic.parameters)
    transit(m, chain, rate, amount(formation.metabolite, "central"), dose_scale(m, kinetic))


def transit(m: Module, chain: list[str], rate: Expr, into: str, scale: Expr) -> None:
    """A chain of compartments, each emptying into the next at one rate, the last into ``into``."""
    for state, following in zip(chain, [*chain[1:], into], strict=True):
        inside = m.state(state, "nmol", scale=scale)
        m.rate(state, -rate * inside)
        m.rate(following, rate * inside)


def _offer_concentration(m: Module, kinetic: KineticModel, substance: Substance, concentration: Expr) -> None:
    offer_site(m, substance, kinetic.site, concentration, kinetic.source)
    for link in kinetic.site_link.values():
        add_site_link(m, kinetic, substance, link, concentration)


def add_site_link(m: Module, kinetic: KineticModel, substance: Substance, link: SiteLink, source: Expr) -> None:
    """The other sampling site, which follows this one as the tissue of the limb equilibrates."""
    v1 = individual(m, kinetic.disposition[substance.name].parameters["V1"], kinetic.parameters)
    state = f"concentration.{link.site}.{substance.name}"

    def bed(name: str, inflow: Expr, rate: Expr) -> Expr:
        inside = m.state(name, "nmol/L", scale=dose_scale(m, kinetic) / v1)
        m.rate(name, rate * (inflow - inside))
        return inside

    k = individual(m, link.k, kinetic.parameters)
    if link.structure == "two-bed":
        assert link.fast is not None and link.k_slow is not None
        share = individual(m, link.fast, kinetic.parameters)
        fast = bed(f"{state}.fast", source, k)
        slow = bed(f"{state}.slow", source, individual(m, link.k_slow, kinetic.parameters))
        mixed = share * fast + (1.0 - share) * slow
    elif link.structure == "transit":
        mixed = bed(f"{state}.2", bed(f"{state}.1", source, k * 2), k * 2)
    else:
        mixed = bed(state, source, k)
    offer_site(m, substance, link.site, mixed, kinetic.source)


def offer_site(m: Module, substance: Substance, site: str, concentration: Expr, source: str) -> None:
    """Offer the total and the unbound concentration at a sampling site."""
    mass = substance.molar_mass.value
    label = f"{site} {in_sentence(substance.label)}"
    m.offer(f"{site}.{substance.name}", concentration, "nmol/L", label=label, molar_mass=mass, sources=(source,))
    if substance.fraction_unbound is not None:
        free = individual(m, substance.fraction_unbound) * concentration
        m.offer(f"{site}.{substance.name}.free", free, "nmol/L", label=f"{label}, unbound", molar_mass=mass)


def in_sentence(label: str) -> str:
    """A substance's label inside a sentence: ``Morphine`` is ``morphine``, ``S-ketamine`` stays.

    Examples
    --------
    >>> in_sentence("Morphine"), in_sentence("S-ketamine")
    ('morphine', 'S-ketamine')
    """
    return label[0].lower() + label[1:] if label[1:2].islower() else label
