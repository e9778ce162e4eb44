"""Parameters, from the environment. A bad value is refused, never replaced by a default."""

from collections.abc import Mapping
from dataclasses import dataclass

from .errors import BadInput

CONVENTIONS = ("CF-1.6", "CF-1.11")
MISSING = ("refuse", "note")


@dataclass(frozen=True)
class Params:
    """`missing`: what happens when a granule lacks a variable of its product: `refuse` it, or `note` it and go on."""

    conventions: str = "CF-1.6"
    missing: str = "refuse"


def read_params(env: Mapping[str, str]) -> Params:
    return Params(_choice(env, "CONVENTIONS", CONVENTIONS), _choice(env, "MISSING", MISSING))


def _choice(env: Mapping[str, str], name: str, allowed: tuple[str, ...]) -> str:
    value = env.get(name) or allowed[0]
    if value not in allowed:
        raise BadInput(f'{name} is "{value}", but must be one of {", ".join(allowed)}')
    return value
