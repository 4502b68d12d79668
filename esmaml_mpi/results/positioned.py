"""What files that are objects of ours have in common: a place at which the next read begins."""

import io


class Positioned(io.RawIOBase):
    """Can be read and moved in. Subclasses have ``size``, in bytes, and ``readinto``."""

    _at = 0
    size: int

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def tell(self) -> int:
        """Where the next read or write begins."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move there."""
        self._at = offset + (0, self._at, self.size)[whence]
        return self._at
