"""Briefings as files: two starters, a published one and two wards' pages, in every format, as text and structure."""

from __future__ import annotations

from recording.files import file_text
from recording.normal import Folder
from recording.world import World, run

FORMATS = ("html", "pptx", "docx", "pdf")


def record(world: World, folder: Folder, whole: bool) -> None:
    world.home("briefings")
    client = world.server().test_client()
    wards = world.facts["areas"]["ward"]
    wanted = [
        "region-in-ten-numbers",
        "shared-gaps",
        "record-far",
        f"ward-{wards[0]}",
        f"ward-{wards[len(wards) // 2]}",
    ]
    for briefing in wanted:
        for form in FORMATS:
            address = f"/briefings/{briefing}/files/{briefing}.{form}"
            response = client.get(address)
            head = [f"GET {address}", f"status {response.status_code}", str(response.headers.get("Content-Type"))]
            head.append(str(response.headers.get("Content-Disposition")))
            body = file_text(
                f"a.{form}" if response.status_code == 200 else "a.html", response.get_data(), world.normal
            )
            folder.write(f"{briefing} {form}", "\n".join([*head, "", body]))
    out = world.scratch / "wards.zip"
    said = run(
        "briefing",
        "export",
        "--all-wards",
        "--authority",
        world.facts["areas"]["lad"][0],
        "--format",
        "html",
        "--out",
        out,
    )
    folder.write("wards in a zip", f"{said.text()}\n{file_text(out.name, out.read_bytes(), world.normal)}")
    out = world.scratch / "wards.pdf"
    said = run(
        "briefing", "export", "--all-wards", "--authority", world.facts["areas"]["lad"][0], "--out", out, "--json"
    )
    folder.write("wards in a pdf", f"{file_text(out.name, out.read_bytes(), world.normal)}")
