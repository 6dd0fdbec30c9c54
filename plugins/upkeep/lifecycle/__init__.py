"""The stages of one life, bound to its configuration and to real backends.

Operators, sensors, triggers and the command line call these methods, so that a stage does the same thing
wherever it is started from. Every method returns JSON builtins.
"""

from upkeep.lifecycle.model import Lifecycle

__all__ = ["Lifecycle"]
