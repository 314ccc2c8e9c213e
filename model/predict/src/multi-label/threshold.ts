/** From which score on an image has a class: the one that a network is trained for, with as much to lose on either side. */
export const leastScore = 0.5;
