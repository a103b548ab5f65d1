"""Briefings as files. :mod:`.formats` names them; :mod:`.contents` is what all of them say."""
