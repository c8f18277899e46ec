#include "cli/app.h"
#include "cli/process.h"

int main(int argc, char** argv) {
  sluice::cli::PrepareProcess();
  return sluice::cli::Main(argc, argv);
}
