"""Former codes of authorities, forwards and backwards."""

from layers.geography.former_authorities import other_codes


def test_former_and_newer_codes_lead_to_the_one_in_use():
    # Selby became North Yorkshire; Taunton Deane became Somerset West and Taunton in 2019, which became Somerset in 2023.
    codes = other_codes({"E06000065", "E06000066", "E08000016"})
    assert codes["E07000169"] == "E06000065" and codes["E07000190"] == codes["E07000246"] == "E06000066"
    assert codes["E08000038"] == "E08000016" and "E08000016" not in codes  # Barnsley by its code of 2025
    assert codes["E08000019"] == "E08000039"  # Sheffield is not among them: the newest code is told
    # Two councils became one: the old one of them is not what the new code means.
    assert "E06000065" not in other_codes({"E07000169"})
