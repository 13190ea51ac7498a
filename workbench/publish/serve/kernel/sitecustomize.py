"""What every kernel of a server runs before anything else; Python imports a module of this name by itself.

A kernel that can't be guarded must not start, and Python would only print an error of this module and go on: so it ends
the process itself.
"""

import os
import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path

_HERE = Path(__file__).resolve().parent
_ROOT = str(_HERE.parents[2])
if _ROOT not in sys.path:
    # A bare checkout; an installed workbench is found without. Last, so that nothing of Python's own is shadowed.
    sys.path.append(_ROOT)

try:
    from workbench.publish.serve.guard import guard
    from workbench.startup import skip_unused_grammar

    skip_unused_grammar()
    guard(os.environ)
except BaseException as error:  # noqa: BLE001 - whatever it is, an unguarded kernel is worse
    sys.stderr.write(f"the kernel could not be guarded, so it was not started: {error!r}\n")
    os._exit(70)

# The one that this one hides, which a distribution or an organisation may have put there.
_hidden = PathFinder.find_spec("sitecustomize", [path for path in sys.path if Path(path).resolve() != _HERE])
if _hidden is not None and _hidden.loader is not None:
    _hidden.loader.exec_module(module_from_spec(_hidden))
