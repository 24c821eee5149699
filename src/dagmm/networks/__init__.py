"""The networks of the model: compression, residual features, estimation."""

from dagmm.networks.activation import activation_function as activation_function
from dagmm.networks.activation import activation_name as activation_name
from dagmm.networks.network import Architecture as Architecture
from dagmm.networks.network import Network as Network
from dagmm.networks.network import flatten as flatten
