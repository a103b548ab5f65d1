from dashboard.pages.missing import missing
def layout(published, query, viewer, *, shapes, community=""):
    return missing("x")
