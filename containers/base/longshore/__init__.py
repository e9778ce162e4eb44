"""Conveniences for handlers of longshore tasks. No image needs them: the contract is two folders and an exit code.

    from longshore import BadInput, handler, logger, process

    def main(folders: handler.Folders) -> None:
        logger.info("Input:Read:Start", "reading", file=folders.one_input().name)
        ...

    if __name__ == "__main__":
        handler.run(main)
"""

from .errors import BadInput, JobError, OutOfMemory, TryAgain

__all__ = ["BadInput", "JobError", "OutOfMemory", "TryAgain"]
__version__ = "0.1.0"
