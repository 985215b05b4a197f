"""Operations of FHIR (`$…`): one file each, one way in which their parameters are read, one list of what is offered."""
