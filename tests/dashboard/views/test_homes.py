"""Find my ward by postcode."""

from dashboard.views.homes import home_document


def test_a_postcode_finds_its_areas(demo):
    found = home_document(demo, " ne14st ")
    assert found["postcode"] == "NE1 4ST" and found["accuracy"] == "unit" and found["district"] == "NE1"
    assert [area["level"] for area in found["areas"]] == ["lsoa", "ward", "lad"]
    region = demo.region
    small, ward, lad = (area["code"] for area in found["areas"])
    row = region.areas["lsoa"].iloc[region.position("lsoa", small)]
    assert (row["ward_code"], row["lad_code"]) == (ward, lad) and found["areas"][0]["name"] == row["name"]
    assert found["areas"][0]["official_name"] == row["official_name"] != row["name"]
    assert found["notice"].startswith("Demonstration data")


def test_what_is_no_postcode_of_the_region_finds_nothing(demo):
    for text in ("SW1A 1AA", "Newcastle", "NE1", "", "NE1 4S\u0000"):
        assert home_document(demo, text) is None


def test_the_api_answers_and_says_404(demo_client):
    assert demo_client.get("/api/v1/postcodes/NE1%204ST").get_json()["areas"][1]["level"] == "ward"
    for text in ("SW1A%201AA", "x", "%2e%2e"):
        assert demo_client.get(f"/api/v1/postcodes/{text}").status_code == 404
