"""``commonground layers count``: from records of people to counts by area, on the analyst's own machine."""

from __future__ import annotations

from pathlib import Path

import click

from dashboard.commands import common
from dashboard.exports import write_whole


@click.command("count")
@click.argument("file", type=click.Path(exists=True, path_type=Path, dir_okay=False))
@click.option(
    "--by", "by", type=click.Choice(["postcode"]), default="postcode", show_default=True, help="What says where."
)
@click.option("--column", default="", help="The column of the postcodes; left out: it is looked for.")
@click.option("--sheet", default="", help="Sheet of a workbook.")
@click.option(
    "--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="The CSV file of the counts."
)
@common.json_option
def layers_count(file: Path, by: str, column: str, sheet: str, out: Path, as_json: bool) -> None:
    """Count the records of FILE by small area, and write nothing but the counts.

    Runs on your own machine and needs no store: the records go nowhere. The counts are exact; publish them as an indicator that
    counts people, and small ones are withheld and the others rounded.
    """
    from dashboard.views.wording import counted
    from layers import count_by_postcode

    counts = count_by_postcode(file, common.here_region(), column=column, sheet=sheet)
    write_whole(out, counts.table.to_csv(index=False, lineterminator="\n").encode())
    document = {
        "ok": True,
        "records": counts.records,
        "placed": counts.placed,
        "outside": counts.outside,
        "unplaced": counts.unplaced,
        "areas": len(counts.table),
        "out": str(out),
    }
    words = (
        f"{counts.placed:,} of {counted(counts.records, 'record')} are counted in {out}; {counts.outside:,} lie outside the region, "
        f"{counts.unplaced:,} have no postcode that is known.\nThe counts are exact: keep the file as you keep the records, and "
        "publish it with --set counts_people=true --set measure=count."
    )
    common.say(as_json, document, words)
