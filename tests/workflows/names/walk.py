"""All checks of names in the workflows and their scripts."""

from itertools import chain

from tests.workflows.names import inside, outside
from tests.workflows.tree import Tree

CHECKS = (
    inside.deployment,
    inside.calls,
    inside.declarations,
    inside.pins,
    inside.caution,
    inside.patience,
    inside.approval,
    inside.scripts,
    inside.environment,
    inside.token,
    outside.terraform_names,
    outside.addresses,
    outside.images,
    outside.architectures,
    outside.repositories,
    outside.migration,
    outside.services,
    outside.defaults,
    outside.versions,
    outside.make_targets,
    outside.role,
)


def faults(tree: Tree) -> list[str]:
    """Return the errors, a sentence each."""
    return list(chain.from_iterable(check(tree) for check in CHECKS))
