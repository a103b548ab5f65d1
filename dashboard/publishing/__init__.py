"""The wizard in which an analyst publishes a layer: from an uploaded file to the map, one page a step, nothing lost between.

Every page is a plain form (POST, redirect, GET). What was said stands in a draft in the store; the file lies in the home folder
until the draft is published or discarded.
"""
