import numpy as np

from dagmm._core.html import html_table

HOSTILE = "<script>alert('1')</script>"


def test_a_table_is_escaped_in_all_its_parts():
    made = html_table([HOSTILE, "n"], [[HOSTILE, 1], ["a & b", 2]], [HOSTILE])
    assert "<script" not in made
    assert made.count("&lt;script&gt;alert(&#x27;1&#x27;)&lt;/script&gt;") == 3
    assert "<td>a &amp; b</td><td>2</td>" in made


def test_cells_are_short():
    made = html_table(["x"], [[None], [0.123456], [np.float64(1e9)], [12345678], ["12345.678"]])
    cells = ["", "0.1235", "1e+09", "12345678", "12345.678"]
    assert made == (
        "<table><thead><tr><th>x</th></tr></thead><tbody>"
        + "".join(f"<tr><td>{cell}</td></tr>" for cell in cells)
        + "</tbody></table>"
    )
