"""The usual ways to colour a map in Dash, each as a small page that does nothing but that, with the same outlines and colours.

They get every advantage that one careful line can give them: the canvas renderer, compressed answers, outlines rounded to the
same precision, a boundary file compressed beforehand and kept by the browser, classes cut beforehand. None has a legend, a
table, services or an address to keep, as the explore page has.
"""
