"""From a motion to sets: signals, cycles, repetitions, holds, which movement it is."""
