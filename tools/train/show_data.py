"""Prints a few random chats as the template renders them: python show_data.py [seed]"""
import random
import sys

import chats
import corpus

rng = random.Random(int(sys.argv[1]) if len(sys.argv) > 1 else 0)
for _ in range(12):
    chat = chats.draw_chat(rng)
    print(f"--- {chat.category}\n{corpus.rendered(corpus.plain_template(), chat)}")
