"""The networks (paper, section 3.2): compression, residual features, estimation."""
