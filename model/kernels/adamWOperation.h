// StfAdamW and StfSquareSum as TensorFlow operations. Both are pure: what they return is assigned by others.
#pragma once

#include "adamW.h"
#include "operation.h"

namespace stf {

REGISTER_OP("StfAdamW")
    .Input("gradient: float")
    .Input("m: float")
    .Input("v: float")
    .Input("scale: float")
    .Input("learning_rate: float")
    .Input("decay: float")
    .Input("correction1: float")
    .Input("correction2: float")
    .Input("parameters: N * float")
    .Output("next_m: float")
    .Output("next_v: float")
    .Output("next_parameters: N * float")
    .Attr("N: int >= 1")
    .Attr("one_minus_beta1: float")
    .Attr("one_minus_beta2: float")
    .Attr("epsilon: float")
    .SetShapeFn([](tensorflow::shape_inference::InferenceContext* c) {
      c->set_output(0, c->input(1));
      c->set_output(1, c->input(2));
      for (int i = 8; i < c->num_inputs(); ++i) c->set_output(i - 6, c->input(i));
      return absl::OkStatus();
    });

class AdamWOperation : public tensorflow::OpKernel {
 public:
  explicit AdamWOperation(tensorflow::OpKernelConstruction* construction) : OpKernel(construction) {
    OP_REQUIRES_OK(construction, construction->GetAttr("one_minus_beta1", &weight1_));
    OP_REQUIRES_OK(construction, construction->GetAttr("one_minus_beta2", &weight2_));
    OP_REQUIRES_OK(construction, construction->GetAttr("epsilon", &epsilon_));
  }

  void Compute(tensorflow::OpKernelContext* context) override {
    for (int i = kScale; i < kParameters; ++i)
      OP_REQUIRES(context, context->input(i).NumElements() == 1,
                  absl::InvalidArgumentError(absl::StrCat("Expected one number for input ", i, " but received ",
                                                          context->input(i).NumElements())));
    int64_t size = 0;
    for (int i = kParameters; i < context->num_inputs(); ++i) size += context->input(i).NumElements();
    for (int i = kGradient; i <= kV; ++i)
      OP_REQUIRES(context, context->input(i).NumElements() == size,
                  absl::InvalidArgumentError(absl::StrCat("Expected ", size, " elements, those of the parameters, for input ",
                                                          i, " but received ", context->input(i).NumElements())));
    const auto number = [=](int input) { return *floats(context, input); };
    const auto beta = [](float weight) { return static_cast<float>(1.0 - static_cast<double>(weight)); };
    const AdamWFactors factors = {number(kScale),       number(kScale + 1), number(kScale + 2), number(kScale + 3),
                                  number(kScale + 4),   beta(weight1_),     beta(weight2_),     weight1_,
                                  weight2_,             epsilon_};
    tensorflow::Tensor *nextM, *nextV;
    OP_REQUIRES_OK(context, context->forward_input_or_allocate_output({kM}, 0, context->input(kM).shape(), &nextM));
    OP_REQUIRES_OK(context, context->forward_input_or_allocate_output({kV}, 1, context->input(kV).shape(), &nextV));
    std::vector<AdamWParameter> parameters;
    int64_t begin = 0;
    for (int i = kParameters; i < context->num_inputs(); ++i) {
      const tensorflow::Tensor& value = context->input(i);
      tensorflow::Tensor* next;
      OP_REQUIRES_OK(context, context->forward_input_or_allocate_output({i}, i - kParameters + 2, value.shape(), &next));
      parameters.push_back({floats(context, i), floats(next), begin, value.NumElements()});
      begin += value.NumElements();
    }
    adamW(deviceThreads(context), factors, floats(context, kGradient), floats(context, kM), floats(context, kV),
          floats(nextM), floats(nextV), parameters);
  }

 private:
  static constexpr int kGradient = 0, kM = 1, kV = 2, kScale = 3, kParameters = 8;

  float weight1_;
  float weight2_;
  float epsilon_;
};

REGISTER_KERNEL_BUILDER(Name("StfAdamW").Device(tensorflow::DEVICE_CPU), AdamWOperation);

REGISTER_OP("StfSquareSum")
    .Input("x: N * float")
    .Output("sum: float")
    .Attr("N: int >= 1")
    .SetShapeFn([](tensorflow::shape_inference::InferenceContext* c) {
      c->set_output(0, c->Scalar());
      return absl::OkStatus();
    });

class SquareSumOperation : public tensorflow::OpKernel {
 public:
  using OpKernel::OpKernel;

  void Compute(tensorflow::OpKernelContext* context) override {
    std::vector<Stretch> stretches;
    for (int i = 0; i < context->num_inputs(); ++i)
      stretches.push_back({floats(context, i), context->input(i).NumElements()});
    tensorflow::Tensor* sum;
    OP_REQUIRES_OK(context, context->allocate_output(0, {}, &sum));
    *floats(sum) = static_cast<float>(squareSum(deviceThreads(context), stretches));
  }
};

REGISTER_KERNEL_BUILDER(Name("StfSquareSum").Device(tensorflow::DEVICE_CPU), SquareSumOperation);

}  // namespace stf
