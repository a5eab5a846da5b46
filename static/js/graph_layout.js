// Gives every variant a place that it keeps: a column by its generation, in that the free lane nearest to its parents.
//
// web_ui/lineage_layout.py does the same for the graph that is drawn without script; a test compares the two.
export const GENERATION_WIDTH = 132;
export const STRIP_WIDTH = 24;
export const LANE_HEIGHT = 20;
const STRIPS = 4;
const STRIP_COST = 8;

// The lanes of one strip: from each taken lane a way to the next that may be free, on either side.
class Strip {
  constructor() {
    this.upwards = new Map();
    this.downwards = new Map();
  }

  free(ways, lane) {
    let found = lane;
    while (ways.has(found)) found = ways.get(found);
    for (let at = lane; at !== found; ) {
      const next = ways.get(at);
      ways.set(at, found);
      at = next;
    }
    return found;
  }

  take(lane) {
    this.upwards.set(lane, lane - 1);
    this.downwards.set(lane, lane + 1);
  }
}

export class Layout {
  constructor() {
    this.places = new Map();
    this.generations = [];
  }

  // The place of a variant; its parents that have none yet do not count.
  add(number, parents) {
    const known = parents.map((one) => this.places.get(one)).filter(Boolean);
    const generation = known.reduce((most, one) => Math.max(most, one.generation + 1), 0);
    const wanted = known.length ? Math.floor(known.reduce((sum, one) => sum + one.lane, 0) / known.length + 0.5) : 0;
    const { strip, lane } = this.nearest(generation, wanted);
    const place = { generation, strip, lane, x: generation * GENERATION_WIDTH + strip * STRIP_WIDTH, y: lane * LANE_HEIGHT };
    this.places.set(number, place);
    return place;
  }

  nearest(generation, wanted) {
    this.generations[generation] ??= Array.from({ length: STRIPS }, () => new Strip());
    let best = null;
    this.generations[generation].forEach((one, strip) => {
      for (const lane of [one.free(one.upwards, wanted), one.free(one.downwards, wanted)]) {
        const cost = Math.abs(lane - wanted) + STRIP_COST * strip;
        if (!best || cost < best.cost) best = { strip, lane, cost };
      }
    });
    this.generations[generation][best.strip].take(best.lane);
    return best;
  }
}
