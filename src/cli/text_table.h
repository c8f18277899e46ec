// Rows in columns as wide as their widest cell. Pure; any thread.
#pragma once
#include <string>
#include <vector>

namespace sluice::cli {

class TextTable {
 public:
  // One letter for each column: 'l' or 'r'.
  explicit TextTable(std::string alignment) : alignment_(std::move(alignment)) {}
  // REQUIRES: as many cells as columns, or fewer: then the last reaches to the line's end.
  void Add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  // Each line behind `indent`, columns two blanks apart, no blanks at line ends.
  std::string Text(const std::string& indent = "") const;

 private:
  const std::string alignment_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace sluice::cli
