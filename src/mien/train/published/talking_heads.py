"""The published layout of talking heads (vincent-thevenin's), under the names of `families.talking_head`.

Its networks see pictures with rows and columns changed; here their kernels are turned instead, so that pictures stay
upright.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ..families.talking_head import SIDE

State = dict[str, Tensor]
NETS = ("E_state_dict", "G_state_dict", "D_state_dict")
NAMES = (  # what is replaced in a name, one after the other
    (".conv1.", ".conv0."),
    (".conv2.", ".conv1."),
    (".conv_l1.", ".skip."),
    (".conv_r1.", ".conv0."),
    (".conv_r2.", ".conv1."),
    *((f".conv_{one}.", f".{one}.") for one in "fgh"),
    ("self_att_Down.", "attention0."),
    ("self_att_Up.", "attention1."),
    ("self_att.", "attention."),
    *((f"resDown{k}.", f"downs.{k - 1}.") for k in range(1, 7)),
    *((f"resUp{k}.", f"ups.{k - 1}.") for k in range(1, 5)),
    *((f"res{k}.", f"residuals.{k - 1}.") for k in range(1, 6)),
    *((f"in{k}.", f"norms.{k - 1}.") for k in range(1, 5)),
    ("res.", "residual."),
    ("conv2d.", "out."),
    (".weight_orig", ".parametrizations.weight.original"),
    (".weight_u", ".parametrizations.weight.0._u"),
    (".weight_v", ".parametrizations.weight.0._v"),
)


def nets(states: Mapping[str, State]) -> dict[str, State]:
    """The networks "G" and, where it is there, "D" of the state dicts NETS."""
    embedder, generator = (_upright(states[name]) for name in NETS[:2])
    G = {f"embedder.{key}": one for key, one in embedder.items()}
    G |= {f"generator.{key}": one for key, one in generator.items()}
    out = {"G": G | {"side": torch.tensor(SIDE)}}
    if NETS[2] in states:
        out["D"] = _critic(dict(states[NETS[2]]))
    return out


def _critic(state: State) -> State:
    """W is a column for each person, of which w_prime is that of one."""
    state.pop("w_prime", None)
    rows = {"people": state.pop("W_i").T.contiguous(), "anybody": state.pop("w_0").flatten()}
    rest = {
        key if key.startswith("residual.") else f"trunk.{key}": one
        for key, one in _upright(state).items()
        if key != "b"
    }
    return rest | rows | {"offset": state["b"]}


def _upright(state: State) -> State:
    """A state dict with other names and turned kernels."""
    out: State = {}
    for key, one in state.items():
        kernel = state.get(key.replace("_v", "_orig"))
        if one.ndim == 4:
            one = one.mT.contiguous()
        elif key.endswith("weight_v") and kernel is not None:
            one = one.view(kernel.shape[1:]).mT.flatten()
        for theirs, ours in NAMES:
            key = key.replace(theirs, ours)
        out[key] = one
    return out
