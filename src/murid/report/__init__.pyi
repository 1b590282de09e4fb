from .assemble import build

__all__ = ["build"]
