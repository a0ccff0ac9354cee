"""LLVM: from text to machine code, and machine code into this process."""

from __future__ import annotations

from functools import lru_cache
from typing import Any


@lru_cache
def _target() -> tuple[Any, str, str]:
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm.Target.from_default_triple(), llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()


def identity() -> str:
    """What machine code depends on besides the model."""
    import llvmlite

    return f"{llvmlite.__version__} {_target()[1]} {_target()[2]}"


def best_lanes() -> int:
    """How many doubles one register of this machine holds, at least two."""
    features = _target()[2].split(",")
    return 8 if "+avx512f" in features else 4 if "+avx" in features else 2


def _machine(level: int) -> Any:
    target, cpu, features = _target()
    return target.create_target_machine(
        cpu=cpu, features=features, opt=level, reloc="default", codemodel="jitdefault", jit=True
    )


def assemble(text: str, level: int = 2) -> bytes:
    """Verify LLVM text, optimise it, and turn it into object code."""
    import llvmlite.binding as llvm

    machine = _machine(level)
    module = llvm.parse_assembly(text)
    module.verify()
    module.triple, module.data_layout = machine.triple, str(machine.target_data)
    options = llvm.PipelineTuningOptions(speed_level=level)
    options.loop_vectorization = options.slp_vectorization = False
    passes = llvm.create_pass_builder(machine, options)
    passes.getModulePassManager().run(module, passes)
    code: bytes = machine.emit_object(module)
    return code


def load(code: bytes) -> Any:
    """Object code as a running library; ask it with ``get_function_address``."""
    import llvmlite.binding as llvm

    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _machine(0))
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    return engine
