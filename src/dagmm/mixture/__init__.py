"""The mixture (paper, section 3.3): moments, densities, EM, and several energies made one."""
