"""The whole system on this machine: the real template, deployed to a local engine, with its data on disk.

    python -m tools.local_stack up|run|down|status

The engine is MiniStack in an environment of its own, on the loopback address only, and it enforces the template's IAM
policies. `make build` has packaged what is deployed. Everything that the engine keeps is below `.local`, and
`.local/stack.env` says how to reach the API. What AWS does and the engine leaves out is made up for in `gaps`, a module
for each, so that one can go when the engine has learnt it.
"""

from tools.local_stack.engine import Engine, StackError
from tools.local_stack.places import BUILD, DEFAULT_PORT, HOME, ROOT, STACK, free_port, last_port
from tools.local_stack.stack import LocalStack

__all__ = [
    "BUILD",
    "DEFAULT_PORT",
    "HOME",
    "ROOT",
    "STACK",
    "Engine",
    "LocalStack",
    "StackError",
    "free_port",
    "last_port",
]
