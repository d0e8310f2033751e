"""Operations: backup, restore, garbage collection of blobs, and the store of a replay."""
