"""What is drawn: pictures of repetitions, the graph, the annotated video."""
