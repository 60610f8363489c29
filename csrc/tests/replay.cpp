// Runs the fuzz target over files, and over truncations and bit flips of them: for compilers without libFuzzer.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int main(int count, char** paths) {
  std::size_t runs = 0;
  for (int i = 1; i < count; ++i) {
    std::ifstream file(paths[i], std::ios::binary);
    std::vector<char> text((std::istreambuf_iterator<char>(file)), {});
    const std::vector<std::uint8_t> input(text.begin(), text.end());
    // Copies of the exact length, so that a sanitizer sees the first byte read beyond.
    const auto run = [&](std::vector<std::uint8_t> bytes) {
      bytes.shrink_to_fit();
      LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
      ++runs;
    };
    run(input);
    for (std::size_t end = 0; end < input.size(); ++end) run({input.begin(), input.begin() + static_cast<long>(end)});
    for (std::size_t bit = 0; bit < 8 * input.size(); ++bit) {
      auto damaged = input;
      damaged[bit / 8] = static_cast<std::uint8_t>(damaged[bit / 8] ^ 1u << bit % 8);
      run(damaged);
    }
  }
  std::printf("%zu runs\n", runs);
  return 0;
}
