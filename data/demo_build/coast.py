"""The shoreline of the demonstration region, as land to cut the areas with.

Source of ``NATURAL_EARTH``: Natural Earth 1:10m land, version 4.1.0, public domain, read from the npm package
world-atlas 2.0.2 (whose grid is 0.0036 by 0.0017 degrees). At that scale the line lies up to 1 km off shore, so
it is only the seaward limit: where people live near the sea, the postcodes say better where the land ends. ``CAPES``
are headlands, harbours and islands as national grid references (facts, typed by hand), which no postcode reaches.
"""

from __future__ import annotations

import itertools

import geopandas as gpd
import numpy as np
import shapely
from shapely.geometry import LineString, MultiPoint, Polygon, box

NATURAL_EARTH = (  # longitude, latitude, from north to south
    (-2.5866, 56.0309), (-2.5686, 56.0242), (-2.5794, 56.0073), (-2.5434, 56.0022), (-2.5146, 56.0056),
    (-2.5074, 56.0107), (-2.4534, 55.9853), (-2.4138, 55.9786), (-2.3526, 55.9482), (-2.3094, 55.9347),
    (-2.1474, 55.9178), (-2.1366, 55.9144), (-2.1294, 55.8975), (-2.1294, 55.8891), (-2.1006, 55.8823),
    (-2.0790, 55.8688), (-2.0214, 55.8047), (-2.0106, 55.7912), (-1.8774, 55.6949), (-1.8630, 55.6713),
    (-1.8522, 55.6594), (-1.8306, 55.6510), (-1.8234, 55.6358), (-1.8162, 55.6324), (-1.8054, 55.6341),
    (-1.8018, 55.6392), (-1.7910, 55.6459), (-1.7802, 55.6459), (-1.7694, 55.6426), (-1.7550, 55.6341),
    (-1.7478, 55.6189), (-1.7550, 55.6088), (-1.7226, 55.6138), (-1.6974, 55.6122), (-1.6326, 55.5851),
    (-1.6362, 55.5716), (-1.6362, 55.5649), (-1.6182, 55.5497), (-1.6326, 55.5446), (-1.6326, 55.5379),
    (-1.6038, 55.5244), (-1.6038, 55.5176), (-1.6110, 55.5075), (-1.5894, 55.4956), (-1.5858, 55.4838),
    (-1.5822, 55.4062), (-1.5894, 55.3910), (-1.5894, 55.3758), (-1.5822, 55.3555), (-1.5570, 55.3285),
    (-1.5570, 55.3065), (-1.5606, 55.2981), (-1.5714, 55.2863), (-1.5606, 55.2660), (-1.5570, 55.2559),
    (-1.5210, 55.2289), (-1.5282, 55.2170), (-1.5246, 55.2103), (-1.5138, 55.2052), (-1.5066, 55.1951),
    (-1.5102, 55.1850), (-1.5210, 55.1681), (-1.5174, 55.1579), (-1.4994, 55.1410), (-1.4958, 55.1343),
    (-1.4922, 55.1123), (-1.4850, 55.0921), (-1.4778, 55.0836), (-1.4598, 55.0786), (-1.4562, 55.0668),
    (-1.4382, 55.0431), (-1.4274, 55.0330), (-1.4202, 55.0110), (-1.4130, 55.0009), (-1.3986, 54.9925),
    (-1.3698, 54.9756), (-1.3626, 54.9654), (-1.3626, 54.9266), (-1.3590, 54.9165), (-1.3518, 54.9131),
    (-1.3554, 54.9046), (-1.2978, 54.7797), (-1.2762, 54.7476), (-1.2402, 54.7223), (-1.2258, 54.7155),
    (-1.1718, 54.7020), (-1.1718, 54.6936), (-1.1934, 54.6936), (-1.1862, 54.6801), (-1.1790, 54.6649),
    (-1.1646, 54.6530), (-1.1718, 54.6446), (-1.2078, 54.6328), (-1.2006, 54.6210), (-1.1826, 54.6193),
    (-1.1718, 54.6260), (-1.1646, 54.6125), (-1.1538, 54.6125), (-1.1466, 54.6193), (-1.1394, 54.6463),
    (-1.1214, 54.6328), (-1.0854, 54.6210), (-1.0422, 54.6176), (-0.9918, 54.5973), (-0.7866, 54.5602),
    (-0.5634, 54.4774), (-0.5238, 54.4470), (-0.5202, 54.4200), (-0.4770, 54.3964), (-0.4482, 54.3727),
    (-0.4194, 54.3238), (-0.4194, 54.3035),
)  # fmt: skip

CAPES = (  # easting, northing in metres: places that stand at the water's edge
    (399_900, 653_000),  # Berwick, Meadow Haven
    (401_000, 652_300),  # Spittal Point
    (404_700, 648_000),  # Cheswick
    (418_400, 635_100),  # Bamburgh Castle
    (422_100, 632_100),  # Seahouses harbour
    (424_100, 628_800),  # Beadnell Point
    (425_900, 621_900),  # Dunstanburgh Castle
    (425_900, 619_900),  # Craster harbour
    (426_800, 614_000),  # Boulmer
    (424_900, 610_400),  # Alnmouth
    (426_900, 604_900),  # Amble harbour
    (428_500, 602_400),  # Hauxley Point
    (427_600, 597_000),  # Druridge Bay
    (430_400, 592_700),  # Snab Point
    (431_900, 588_000),  # Newbiggin, church point
    (430_600, 584_900),  # Cambois
    (432_500, 580_200),  # Blyth, south harbour
    (433_600, 576_700),  # Seaton Sluice
    (435_100, 575_300),  # Saint Mary's, the causeway
    (437_300, 569_400),  # Tynemouth Priory
    (437_400, 567_500),  # South Shields pier
    (440_800, 564_200),  # Souter Point
    (440_900, 558_800),  # Roker
    (441_700, 552_300),  # Ryhope
    (443_500, 549_400),  # Seaham harbour
    (444_200, 545_800),  # Hawthorn Hive
    (447_300, 539_200),  # Blackhall Rocks
    (448_400, 537_200),  # Crimdon
)

HOLY_ISLAND = (  # easting, northing in metres: Snook, North shore, Emmanuel Head, Castle, harbour, Chare Ends
    (409_300, 643_500), (411_100, 644_000), (412_700, 643_900), (413_900, 643_700), (413_800, 642_300),
    (413_700, 641_700), (412_700, 641_500), (412_300, 642_200), (412_200, 643_000), (410_600, 643_100),
)  # fmt: skip

TYNE_MOUTH = (  # easting, northing, half width in metres: from between the piers up to the Shields ferry
    (438_600, 568_700, 420), (437_500, 568_650, 300), (436_900, 568_500, 170), (436_400, 568_200, 120),
    (435_950, 567_700, 100), (435_700, 567_300, 70),
)  # fmt: skip


def land(points: np.ndarray, frame: tuple[float, float, float, float]) -> shapely.Geometry:
    """Land inside ``frame`` (EPSG:27700, m) for postcode points of shape (n, 2).

    Inland everything is land. Towards the sea: the Natural Earth line drawn back by 600 m, or as far out as the
    postcodes and the capes reach, whichever is further; never more than 800 m beyond the Natural Earth line.
    Trap: the frame's western edge must lie inland, because the line only has an eastern side.
    """
    line = gpd.GeoSeries([LineString(NATURAL_EARTH)], crs="EPSG:4326").to_crs("EPSG:27700").iloc[0]
    x0, y0, x1, y1 = frame
    west = Polygon([*line.coords, (x1 + 50_000, line.coords[-1][1]), (x1 + 50_000, y0 - 50_000),
                    (x0 - 50_000, y0 - 50_000), (x0 - 50_000, y1 + 50_000), (line.coords[0][0], y1 + 50_000)])  # fmt: skip
    sketch = west.buffer(0)
    near = points[shapely.dwithin(line, shapely.points(points), 4_000)]
    near = near[shapely.dwithin(sketch, shapely.points(near), 800)]
    spots = np.unique(np.vstack([np.round(near, -2), CAPES]), axis=0)  # one buffer over dense points takes gigabytes
    settled = shapely.union_all(shapely.buffer(shapely.points(spots), 900, quad_segs=6)).buffer(-680)
    mainland = shapely.union_all([sketch.buffer(-600), settled.intersection(sketch.buffer(800))])
    mainland = mainland.buffer(450).buffer(-450)  # fills the notches between settlements
    mainland = mainland.buffer(-150).buffer(150)
    largest = max(shapely.get_parts(mainland), key=lambda part: part.area)
    whole = shapely.union_all([largest, Polygon(HOLY_ISLAND).buffer(120)])
    pairs = itertools.pairwise(TYNE_MOUTH)
    river = [MultiPoint([a[:2], b[:2]]).convex_hull.buffer((a[2] + b[2]) / 2) for a, b in pairs]
    return whole.difference(shapely.union_all(river)).simplify(40).intersection(box(*frame))
