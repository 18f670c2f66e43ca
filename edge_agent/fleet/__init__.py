"""Made-up sites that lift as real ones do: for history, demos and load, never for a claim about real people.

``draw_fleet(7, FleetSize(sites=2))`` gives a fleet, ``work`` says what is lifted there, ``openmetrics`` writes that
as the bridge would have shown it, and ``lift_events`` makes the events. These are pure: the same seed gives the same
lifts, and times are arguments. ``simulate`` and ``load`` reach a broker.
"""
