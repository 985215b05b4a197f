"""The synthetic municipality: invented people with believable records, to try, show and test with.

`generate.build_world` makes the people, `charts` their records as FHIR, `story` those that the start page
names.
No real person, place, number or telephone is meant; see `numbers` for how that is kept.
"""
