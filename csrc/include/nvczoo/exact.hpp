// exp and log that give the same double on every machine: + - * / alone, in a fixed order.
#pragma once

namespace nvczoo {

double exact_exp(double x);
double exact_log(double x);

}  // namespace nvczoo
