"""The rules of the desk: values in, values out. No I/O, no clock of its own, standard library only."""
