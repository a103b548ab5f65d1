"""The generator of ``data/demo``, the embedded demonstration region. Run it with ``python data/make_demo.py``.

``places`` holds every constant about the region, ``coast`` the shoreline, ``shapes`` turns postcodes into areas,
``vintage`` makes the older boundary set, ``surfaces`` the invented patterns of need, ``indicators`` and ``services``
the layers, ``pack`` writes the folder. Nothing here is used by the product at run time.
"""
