"""Read from the reference library's source where a model's layer has its norms and its sums."""

import ast
import importlib.util
import re
from functools import cache
from pathlib import Path

MODELS = Path(importlib.util.find_spec("transformers").origin).parent / "models"
_NORM = re.compile(r"norm|(^|_)ln(_|\d|$)", re.IGNORECASE)
_IDLE = re.compile(r"drop|act_?fn|activation", re.IGNORECASE)

# Not decoders of text alone: an encoder with a head, the decoder of a translation model, of speech,
# of pictures, a model that drafts for another one; or no attention at all.
LEFT_OUT = {
    "aria",
    "bart",
    "bert",
    "bert_generation",
    "big_bird",
    "bigbird_pegasus",
    "blenderbot",
    "blenderbot_small",
    "camembert",
    "cohere_compass",
    "data2vec",
    "dots3_note",
    "electra",
    "emu3",
    "ernie",
    "falcon_mamba",
    "fuyu",
    "gemma4_assistant",
    "gemma4_unified",
    "gemma4_unified_assistant",
    "git",
    "got_ocr2",
    "mamba",
    "mamba2",
    "marian",
    "mbart",
    "megatron_bert",
    "minimax_m3_vl",
    "mllama",
    "moshi",
    "moss_transcribe_diarize",
    "musicgen",
    "musicgen_melody",
    "mvp",
    "pegasus",
    "phi4_multimodal",
    "plbart",
    "prophetnet",
    "rembert",
    "roberta",
    "roberta_prelayernorm",
    "roc_bert",
    "roformer",
    "rwkv",
    "trocr",
    "whisper",
    "xlm",
    "xlm_roberta",
    "xlm_roberta_xl",
    "xlnet",
    "xlstm",
    "xmod",
    "gpt_sw3",
    "internlm3",
    "iquestcoder",  # have no layer of their own
}
# Which class is the layer, where a module has several or names it otherwise.
LAYERS = {
    "blt": "BltTransformerLayer",
    "cpmant": "CpmAntFFNBlock",
    "ctrl": "EncoderLayer",
    "deepseek_v4": "DeepseekV4DecoderLayer",
    "gemma3n": "Gemma3nTextDecoderLayer",
    "gemma4": "Gemma4TextDecoderLayer",
    "granitemoehybrid": "GraniteMoeHybridDecoderLayer",
    "inkling2": "Inkling2SlidingDecoderLayer",
    "jamba": "JambaAttentionDecoderLayer",
    "llama4": "Llama4TextDecoderLayer",
    "olmo_hybrid": "OlmoHybridAttentionDecoderLayer",
    "openai": "Block",
    "qwen4_exp": "Qwen4ExpTextDecoderLayer",
    "reformer": "ReformerLayer",
    "zamba": "ZambaMambaDecoderLayer",
    "zamba2": "Zamba2MambaDecoderLayer",
}
_USUAL = re.compile(r"(DecoderLayer|Block|Layer)$")


@cache
def causal_models() -> dict[str, tuple[str, str]]:
    """Return each model's layer and trace: every module listed for causal language modelling."""
    from transformers.models.auto import configuration_auto, modeling_auto

    listed = modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES
    modules = {configuration_auto.model_type_to_module_name(name) for name in listed}
    assert modules >= LEFT_OUT, f"not in the library's list: {LEFT_OUT - modules}"
    return {model: read_layer(model) for model in sorted(modules - LEFT_OUT)}


def read_layer(model: str) -> tuple[str, str]:
    """Return the name and the trace of a model's layer."""
    found = {}
    for path in sorted((MODELS / model).glob("modeling_*.py")):
        for part in ast.parse(path.read_text(encoding="utf-8")).body:
            forward = isinstance(part, ast.ClassDef) and next(
                (f for f in part.body if isinstance(f, ast.FunctionDef) and f.name == "forward"),
                None,
            )
            if forward:
                found[part.name] = trace(forward)
    if model in LAYERS:
        return LAYERS[model], found[LAYERS[model]]
    names = [n for n in found if _USUAL.search(n) and {"N", "F"} <= set(found[n])]
    decoders = [n for n in names if n.endswith("DecoderLayer")] or names
    assert len(decoders) == 1, f"{model}: say which of {decoders or list(found)} is the layer"
    return decoders[0], found[decoders[0]]


def trace(forward: ast.FunctionDef) -> str:
    """Write what a layer does in order: N a norm, F a branch, + a sum, * a factor, S a copy kept.

    Both ways of an `if` are followed, one after the other; neighbouring branches are one F.
    """
    done = []
    _statements(forward.body, done)
    return re.sub("F+", "F", "".join(done))


def _statements(body: list[ast.stmt], done: list[str]) -> None:
    for statement in body:
        if isinstance(statement, ast.Assign):
            copied = isinstance(statement.value, ast.Name) and isinstance(
                statement.targets[0], ast.Name
            )
            done.append("S") if copied else _expression(statement.value, done)
        elif isinstance(statement, ast.AugAssign):
            _expression(statement.value, done)
            done.append("+" if isinstance(statement.op, ast.Add) else "")
        elif isinstance(statement, ast.If):
            _statements(statement.body + statement.orelse, done)
        elif isinstance(statement, ast.With | ast.For):
            _statements(statement.body, done)
        elif isinstance(statement, ast.Return) and not isinstance(statement.value, ast.Tuple):
            _expression(statement.value, done)


def _expression(node: ast.AST, done: list[str]) -> None:
    if isinstance(node, ast.Call):
        for part in [*node.args, *(keyword.value for keyword in node.keywords)]:
            _expression(part, done)
        of = node.func
        of = of.value if isinstance(of, ast.Subscript) else of  # self.mlps[0](…)
        if isinstance(of, ast.Attribute) and getattr(of.value, "id", "") == "self":
            done.append("" if _IDLE.search(of.attr) else "N" if _NORM.search(of.attr) else "F")
        elif isinstance(of, ast.Attribute):
            _expression(of.value, done)
    elif isinstance(node, ast.BinOp):
        _expression(node.left, done)
        _expression(node.right, done)
        done.append({ast.Add: "+", ast.Mult: "*"}.get(type(node.op), ""))
    else:
        for part in ast.iter_child_nodes(node):
            _expression(part, done)
