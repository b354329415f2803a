"""The demonstration: sample feeds through the real system on this machine, told line by line. `nhip demo` runs it."""
