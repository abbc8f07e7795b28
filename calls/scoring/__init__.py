"""How well turns are taken: labelled scenes as whole calls, in a clock that is only counted, judged and reported.

scenes, mixing         a folder of recordings with labels; a scene's sounds, cut and laid out
situations, echo       the same sounds over the agent's own echo, before a reply and at its end
world, phone, course   one scene as a call through the bridge, both dialects and the rehearsal model; what happened in it
judge, tally           what happened against what was expected; shares, lengths and targets over all scenes
statistics             shares and quantiles with what chance leaves open
report, drawing        the same as a page
"""
