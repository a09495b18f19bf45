"""What single strokes are as numbers, and how alike two of them are; knows no room above."""
