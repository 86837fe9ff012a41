"""Guided reenactment: what geometry says of a picture (flow, occlusion, render) in, the picture out.

Zhang et al., "Exploiting multiple guidance from 3DMM for face reenactment" (AAAI 2023); equation numbers in
this folder are that paper's.
"""
