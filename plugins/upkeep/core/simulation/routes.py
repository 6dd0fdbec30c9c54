"""Where trips go, how far, and which zones they touch.

Shares, log-distances and the order of the zones are those of 20,000 real yellow-cab trips of January and February 2019.
"""

from __future__ import annotations

from typing import NamedTuple


class Route(NamedTuple):
    """A kind of trip: from one place to another."""

    origin: str
    target: str
    share: float
    log_miles: float  # mean of log(trip_distance)
    spread: float  # its standard deviation
    toll: float  # chance of a toll


ROUTES = (
    Route("Manhattan", "Manhattan", 0.8600, 0.35, 0.69, 0.00),
    Route("Manhattan", "Brooklyn", 0.0260, 1.74, 0.51, 0.11),
    Route("Manhattan", "Queens", 0.0140, 1.76, 0.51, 0.21),
    Route("Manhattan", "LaGuardia", 0.0115, 2.31, 0.18, 0.85),
    Route("Manhattan", "JFK", 0.0050, 2.90, 0.12, 0.82),
    Route("Manhattan", "Bronx", 0.0060, 2.13, 0.59, 0.15),
    Route("Manhattan", "EWR", 0.0018, 2.88, 0.15, 0.97),
    Route("Manhattan", "Staten Island", 0.0004, 2.99, 0.30, 0.83),
    Route("LaGuardia", "Manhattan", 0.0170, 2.30, 0.20, 0.86),
    Route("LaGuardia", "Brooklyn", 0.0030, 2.25, 0.31, 0.00),
    Route("LaGuardia", "Queens", 0.0030, 1.53, 0.52, 0.00),
    Route("JFK", "Manhattan", 0.0138, 2.92, 0.09, 0.82),
    Route("JFK", "Brooklyn", 0.0050, 2.78, 0.30, 0.00),
    Route("JFK", "Queens", 0.0045, 2.09, 0.52, 0.00),
    Route("Queens", "Queens", 0.0060, 0.41, 0.91, 0.00),
    Route("Queens", "Manhattan", 0.0040, 1.69, 0.60, 0.25),
    Route("Brooklyn", "Brooklyn", 0.0078, 0.53, 0.85, 0.00),
    Route("Brooklyn", "Manhattan", 0.0040, 1.69, 0.60, 0.09),
    Route("Bronx", "Bronx", 0.0009, 0.55, 0.65, 0.00),
    Route("Bronx", "Manhattan", 0.0007, 2.03, 0.60, 0.18),
    Route("Unknown", "Unknown", 0.0140, 0.45, 0.80, 0.03),
)
# The zones that were seen, the busiest first; a place that is missing here is served evenly.
BUSIEST = {
    "JFK": "132",
    "LaGuardia": "138",
    "Manhattan": """237 236 161 162 230 186 142 170 48 234 239 163 141 79 238 107 68 164 229 263 140 246 249 231 100 90
        113 143 262 233 137 43 114 158 148 50 144 75 151 13 211 87 166 74 261 125 88 41 224 24 4 209 232 42 45 116 152
        244 243 12 202 127 194 128 153 120""",
    "Queens": "7 226 145 129 146 223 179 260 193 10 82 95 17 215 83 216 28 92 70 56 134 196 112 130 157 138",
    "Brooklyn": "25 181 33 97 65 255 49 256 52 112 61 66 17 40 189 80 89 228 106 195 62 188 37 36 225 14",
    "Bronx": "168 247 69 220 159 20 208 242 167 235 213 250 212 47 174 169 254 81",
}
NORTH = "24 41 42 43 74 75 116 120 127 128 151 152 153 166 194 243 244"  # of 96th Street: no congestion surcharge
