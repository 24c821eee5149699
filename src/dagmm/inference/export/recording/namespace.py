"""The functions that arrays which are recorded have, under NumPy's names."""

from dagmm.inference.export.recording import elementwise, lookup, nodes, reductions, shapes

abs = absolute = elementwise.absolute
add = elementwise.add
clip = elementwise.clip
cos = elementwise.cos
divide = elementwise.divide
equal = elementwise.equal
exp = elementwise.exp
expm1 = elementwise.expm1
floor = elementwise.floor
greater = elementwise.greater
greater_equal = elementwise.greater_equal
invert = logical_not = elementwise.logical_not
isfinite = elementwise.isfinite
isinf = elementwise.isinf
isnan = elementwise.isnan
ldexp = elementwise.ldexp
less = elementwise.less
less_equal = elementwise.less_equal
log = elementwise.log
log1p = elementwise.log1p
logaddexp = elementwise.logaddexp
bitwise_and = logical_and = elementwise.logical_and
bitwise_or = logical_or = elementwise.logical_or
maximum = elementwise.maximum
minimum = elementwise.minimum
multiply = elementwise.multiply
nan_to_num = elementwise.nan_to_num
negative = elementwise.negative
not_equal = elementwise.not_equal
ones_like = elementwise.ones_like
power = elementwise.power
remainder = elementwise.remainder
sin = elementwise.sin
sqrt = elementwise.sqrt
square = elementwise.square
subtract = elementwise.subtract
tanh = elementwise.tanh
where = elementwise.where
zeros_like = elementwise.zeros_like

all = reductions.all_of
any = reductions.any_of
matmul = reductions.matmul
max = reductions.max_of
min = reductions.min_of
sum = reductions.sum_of

astype = nodes.astype
concatenate = shapes.concatenate
part_of = shapes.part_of
reshape = shapes.reshape
squeeze = shapes.squeeze
stack = shapes.stack
swapaxes = shapes.swapaxes
take = shapes.take
transpose = shapes.transpose

interp = lookup.interp
searchsorted = lookup.searchsorted
