/* Collectives one after the other, as in an iteration with no work between them: what SimGrid's SMPI simulates.
 *
 *     collectives libnbc|native GAP CORES KIND:BYTES...
 *
 * KIND: bcast, reduce, allreduce (in place), allreduce-copy (not in place), gather (BYTES from each rank to rank 0);
 * reduce-tree: along a binomial tree at any length; bcast-nodes and reduce-nodes: along a tree of nodes, of CORES ranks
 * each, and along one in every node.
 * GAP: seconds that rank 0 takes for each message of a gather, one after the other.
 * `libnbc` sends the messages that the non-blocking collectives of Open MPI 5 send (its component libnbc), `native`
 * calls MPI's blocking collectives and leaves the algorithms to SMPI's selector.
 *
 * Prints for each collective the simulated seconds since the start at which rank 0 and the last rank have done with it.
 */
#include <mpi.h>
#include <smpi/smpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int rank, size, cores;
static double *buffer, *inbox; /* contents do not matter */
static double gap;

static void sent(int peer, int count) { MPI_Send(buffer, count, MPI_DOUBLE, peer, 0, MPI_COMM_WORLD); }

static void received(int peer, int count) {
  MPI_Recv(inbox, count, MPI_DOUBLE, peer, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
}

static void exchanged(int peer, int out, int in) {
  MPI_Sendrecv(buffer, out, MPI_DOUBLE, peer, 0, inbox, in, MPI_DOUBLE, peer, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
}

/* Of a tree: `number` ranks, every `stride`-th from `first` on. */
typedef struct {
  int first, stride, number;
} Ranks;

static int peer(Ranks among, int index) { return among.first + index * among.stride; }

/* Down a binomial tree: index k has it from k without its highest bit, and sends to k + 1, 2, 4, ... at once. */
static void tree_down(int count, Ranks among) {
  MPI_Request requests[32];
  int started = 0, distance = 1, index = (rank - among.first) / among.stride;
  for (; index >= distance; distance *= 2)
    if (index < 2 * distance)
      received(peer(among, index - distance), count);
  for (; index + distance < among.number; distance *= 2)
    MPI_Isend(buffer, count, MPI_DOUBLE, peer(among, index + distance), 0, MPI_COMM_WORLD, &requests[started++]);
  MPI_Waitall(started, requests, MPI_STATUSES_IGNORE);
}

/* Up a binomial tree: index k takes what k + 1, 2, 4, ... have summed, one after the other, and sends once. */
static void tree_up(int count, Ranks among) {
  int index = (rank - among.first) / among.stride;
  for (int distance = 1; distance < among.number; distance *= 2) {
    if (index % (2 * distance)) {
      sent(peer(among, index - distance), count);
      return;
    }
    if (index + distance < among.number)
      received(peer(among, index + distance), count);
  }
}

/* The first ranks of all nodes, and the ranks of this one's node. */
static void along_nodes(int count, int up) {
  int first = rank - rank % cores, here = first + cores < size ? cores : size - first;
  Ranks firsts = {0, cores, (size + cores - 1) / cores}, node = {first, 1, here};
  if (up)
    tree_up(count, node);
  if (rank == first)
    (up ? tree_up : tree_down)(count, firsts);
  if (!up)
    tree_down(count, node);
}

/* Rabenseifner's: each rank sums a part of the vector, by recursive halving; the parts go to rank 0 up a tree, or to all
 * by recursive doubling. The ranks above a power of two share the vector of a neighbour first. */
static void rabenseifner(int count, int to_all) {
  int power = 1, extra, number, windows[32], step = 0, mask;
  while (2 * power <= size)
    power *= 2;
  extra = size - power;
  if (rank < 2 * extra && rank % 2) {
    exchanged(rank - 1, count / 2, count - count / 2);
    sent(rank - 1, count - count / 2);
    if (to_all)
      received(rank - 1, count);
    return;
  }
  if (rank < 2 * extra) {
    exchanged(rank + 1, count - count / 2, count / 2);
    received(rank + 1, count - count / 2);
  }
  number = rank < 2 * extra ? rank / 2 : rank - extra;
#define PEER(other) ((other) < extra ? 2 * (other) : (other) + extra)
  windows[0] = count;
  for (mask = 1; mask < power; mask *= 2, step++) {
    int low = windows[step] / 2, high = windows[step] - low, upper = (number & mask) != 0;
    exchanged(PEER(number ^ mask), upper ? low : high, upper ? high : low);
    windows[step + 1] = upper ? high : low;
  }
  for (mask = power / 2; mask > 0; mask /= 2, step--) {
    int own = windows[step], other = windows[step - 1] - own;
    if (to_all)
      exchanged(PEER(number ^ mask), own, other);
    else if (number & mask) {
      sent(PEER(number ^ mask), own);
      return;
    } else
      received(PEER(number ^ mask), other);
  }
  if (to_all && rank < 2 * extra)
    sent(rank + 1, count);
}

/* From every rank straight to rank 0, which takes one message after the other. */
static void linear_gather(int count) {
  MPI_Request *requests;
  if (rank) {
    sent(0, count);
    return;
  }
  requests = malloc(size * sizeof *requests);
  for (int peer = 1; peer < size; peer++)
    MPI_Irecv(inbox, count, MPI_DOUBLE, peer, 0, MPI_COMM_WORLD, &requests[peer - 1]);
  for (int peer = 1; peer < size; peer++) {
    MPI_Wait(&requests[peer - 1], MPI_STATUS_IGNORE);
    if (gap > 0)
      smpi_execute(gap);
  }
  free(requests);
}

/* Whether `kind`, up to its colon, is `name`. */
static int is(const char *kind, const char *name) {
  size_t length = strcspn(kind, ":");
  return strlen(name) == length && strncmp(kind, name, length) == 0;
}

static void as_libnbc(const char *kind, int count) {
  Ranks all = {0, 1, size};
  int power = 1;
  while (2 * power <= size)
    power *= 2;
  if (is(kind, "bcast"))
    tree_down(count, all);
  else if (is(kind, "bcast-nodes") || is(kind, "reduce-nodes"))
    along_nodes(count, is(kind, "reduce-nodes"));
  else if (is(kind, "reduce") && size > 2 && count >= power)
    rabenseifner(count, 0);
  else if (is(kind, "reduce") || is(kind, "reduce-tree"))
    tree_up(count, all);
  else if (is(kind, "allreduce-copy") && size >= 4 && 8L * count >= 65536 && count >= power)
    rabenseifner(count, 1);
  else if (is(kind, "allreduce") || is(kind, "allreduce-copy")) {
    tree_up(count, all);
    tree_down(count, all);
  } else
    linear_gather(count);
}

static void as_native(const char *kind, int count) {
  if (is(kind, "bcast"))
    MPI_Bcast(buffer, count, MPI_DOUBLE, 0, MPI_COMM_WORLD);
  else if (is(kind, "reduce"))
    MPI_Reduce(buffer, inbox, count, MPI_DOUBLE, MPI_SUM, 0, MPI_COMM_WORLD);
  else if (is(kind, "gather"))
    MPI_Gather(buffer, count, MPI_DOUBLE, inbox, count, MPI_DOUBLE, 0, MPI_COMM_WORLD);
  else
    MPI_Allreduce(buffer, inbox, count, MPI_DOUBLE, MPI_SUM, MPI_COMM_WORLD);
}

int main(int arguments, char **values) {
  double done[32], last[32], start;
  long room = 1;
  int ops = 0;
  MPI_Init(&arguments, &values);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  gap = atof(values[2]);
  cores = atoi(values[3]);
  for (int i = 4; i < arguments; i++) {
    long count = atol(strchr(values[i], ':') + 1) / 8, needed = strncmp(values[i], "gather", 6) ? count : count * size;
    room = needed > room ? needed : room;
  }
  /* One piece of memory for all simulated ranks: they are threads of one process, and contents do not matter. */
  buffer = SMPI_SHARED_MALLOC(room * sizeof(double));
  inbox = SMPI_SHARED_MALLOC(room * sizeof(double));
  /* SMPI's selectors set up communicators in their first call, in time that grows as the ranks squared: not simulated
   * time that counts, and only for what is asked. Then all start at one moment. */
  if (is(values[1], "native"))
    for (int i = 4; i < arguments; i++)
      as_native(values[i], 1);
  start = MPI_Wtime();
  MPI_Allreduce(MPI_IN_PLACE, &start, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
  start += 0.01;
  smpi_execute(start - MPI_Wtime());
  for (int i = 4; i < arguments && ops < 32; i++, ops++) {
    int count = (int)(atol(strchr(values[i], ':') + 1) / 8);
    (is(values[1], "native") ? as_native : as_libnbc)(values[i], count);
    done[ops] = MPI_Wtime() - start;
  }
  MPI_Reduce(done, last, ops, MPI_DOUBLE, MPI_MAX, 0, MPI_COMM_WORLD);
  for (int op = 0; op < ops && rank == 0; op++)
    printf("%s %.9f %.9f\n", values[4 + op], done[op], last[op]);
  MPI_Finalize();
  return 0;
}
