"""Actors whose work a later change brings, all in one place.

Each is declared with its final name, queue and arguments, so that a call is checked
and answered with a clear sentence. When one is built it moves to its family's file;
this file shrinks until it is deleted. Nothing here pretends.
"""

from __future__ import annotations

from typing import Never

from fliptech_site.errors import NotYetBuilt
from tasks.declaring import actor


def _refuse(name: str, what: str) -> Never:
    raise NotYetBuilt(f"{name} is not built yet: {what} comes with a later release.")


@actor(queue="ai", time_limit_minutes=4)
def generate_ai_response(message: str) -> Never:
    """Refuse: answering messages is not built yet."""
    _refuse("generate_ai_response", "answering messages")


@actor(queue="ai", time_limit_minutes=4)
def process_conversation(conversation_id: int) -> Never:
    """Refuse: reading conversations is not built yet."""
    _refuse("process_conversation", "reading conversations")


@actor(queue="ai", time_limit_minutes=4)
def generate_email_content(lead_id: int, template_id: int) -> Never:
    """Refuse: personalised writing is not built yet."""
    _refuse("generate_email_content", "personalised writing")


@actor(queue="ai", time_limit_minutes=4)
def predict_lead_conversion(lead_id: int) -> Never:
    """Refuse: the conversion model is not built yet."""
    _refuse("predict_lead_conversion", "the conversion model")


@actor(queue="ai", time_limit_minutes=4)
def train_ml_model(model: str = "conversion") -> Never:
    """Refuse: the conversion model is not built yet."""
    _refuse("train_ml_model", "the conversion model")


@actor(queue="ai", time_limit_minutes=4)
def score_demo_engagement(lead_id: int) -> Never:
    """Refuse: scoring by demo views is not built yet."""
    _refuse("score_demo_engagement", "scoring by demo views")


@actor(queue="demo", time_limit_minutes=40)
def compose_video(lead_id: int) -> Never:
    """Refuse: composing videos is not built yet."""
    _refuse("compose_video", "composing videos")


@actor(queue="demo", time_limit_minutes=40)
def generate_voiceover(lead_id: int) -> Never:
    """Refuse: voice-overs is not built yet."""
    _refuse("generate_voiceover", "voice-overs")


@actor(queue="demo", time_limit_minutes=40)
def capture_screen_recording(lead_id: int) -> Never:
    """Refuse: screen recording is not built yet."""
    _refuse("capture_screen_recording", "screen recording")


@actor(queue="demo", time_limit_minutes=40)
def create_full_demo_package(lead_id: int) -> Never:
    """Refuse: the video chain is not built yet."""
    _refuse("create_full_demo_package", "the video chain")


@actor(queue="demo", time_limit_minutes=40)
def optimize_video(lead_id: int) -> Never:
    """Refuse: video encoding is not built yet."""
    _refuse("optimize_video", "video encoding")


@actor(queue="demo", time_limit_minutes=40)
def upload_to_hosting(demo_id: int) -> Never:
    """Refuse: outside hosting is not built yet."""
    _refuse("upload_to_hosting", "outside hosting")


@actor(queue="demo", time_limit_minutes=40)
def generate_demo_analytics(days: int = 30) -> Never:
    """Refuse: demo analytics is not built yet."""
    _refuse("generate_demo_analytics", "demo analytics")
