// StfContour and its gradient as TensorFlow operations.
#pragma once

#include "contour.h"
#include "operation.h"

namespace stf {

// What both read of their attributes and operands.
class ContourOperands {
 public:
  explicit ContourOperands(tensorflow::OpKernelConstruction* construction) {
    int64_t axis = 0;
    OP_REQUIRES_OK(construction, construction->GetAttr("axis", &axis));
    OP_REQUIRES_OK(construction, construction->GetAttr("passes", &passes_));
    OP_REQUIRES_OK(construction, construction->GetAttr("run", &shape_.run));
    OP_REQUIRES_OK(construction, construction->GetAttr("height", &shape_.height));
    OP_REQUIRES_OK(construction, construction->GetAttr("width", &shape_.width));
    OP_REQUIRES_OK(construction, construction->GetAttr("taps", &shape_.taps));
    shape_.axis = static_cast<ContourAxis>(axis);
    OP_REQUIRES(construction, axis >= 0 && axis <= 3 && passes_ == shape_.passes(),
                absl::InvalidArgumentError(absl::StrCat("Expected axis 0 or 1 with one pass, axis 2 with two or axis 3 "
                                                        "with none but received axis ", axis, " with ", passes_)));
    OP_REQUIRES(construction, shape_.taps % 2 == 1,
                absl::InvalidArgumentError(absl::StrCat("Expected an odd number of taps but received ", shape_.taps)));
    constexpr int64_t kMost = int64_t{1} << 20;
    OP_REQUIRES(construction, std::max({shape_.height, shape_.width, shape_.taps, shape_.run}) <= kMost,
                absl::InvalidArgumentError(absl::StrCat("Expected a map of at most ", kMost, " in height and width")));
    const int64_t shortest = axis == 0   ? shape_.height
                             : axis == 1 ? shape_.width
                                         : std::min(shape_.height, shape_.width);
    OP_REQUIRES(construction, axis == 3 || shortest >= 2,
                absl::InvalidArgumentError(absl::StrCat("Expected lines of at least 2 elements to interpolate on but "
                                                        "received ", shortest)));
  }

  // Inputs from `first` on: table, kernel and the offsets of each pass.
  absl::Status read(tensorflow::OpKernelContext* context, int first, ContourShape* shape,
                    std::vector<const float*>* offsets) const {
    const tensorflow::Tensor& table = context->input(first);
    const tensorflow::Tensor& kernel = context->input(first + 1);
    *shape = shape_;
    if (table.dims() != 2 || table.dim_size(0) % shape_.pixels() != 0 ||
        table.dim_size(0) / shape_.pixels() % shape_.run != 0)
      return absl::InvalidArgumentError(absl::StrCat("Expected a table of whole runs of ", shape_.run, " maps of ",
                                                     shape_.height, "x", shape_.width, " but received ",
                                                     table.shape().DebugString()));
    shape->images = table.dim_size(0) / shape_.pixels();
    shape->channels = table.dim_size(1);
    if (kernel.dims() != 2 || kernel.dim_size(0) != shape->depth())
      return absl::InvalidArgumentError(absl::StrCat("Expected a kernel of ", shape->depth(), " rows but received ",
                                                     kernel.shape().DebugString()));
    shape->outputs = kernel.dim_size(1);
    for (int64_t pass = 0; pass < passes_; ++pass) {
      const int input = first + 2 + static_cast<int>(pass);
      if (context->input(input).NumElements() != table.dim_size(0) * shape_.taps)
        return absl::InvalidArgumentError(absl::StrCat("Expected ", table.dim_size(0) * shape_.taps,
                                                       " offsets but received ", context->input(input).NumElements()));
      offsets->push_back(floats(context, input));
    }
    return absl::OkStatus();
  }

 private:
  ContourShape shape_{};
  int64_t passes_ = 1;
};

REGISTER_OP("StfContour")
    .Input("table: float")
    .Input("kernel: float")
    .Input("offsets: passes * float")
    .Output("y: float")
    .Attr("passes: int >= 0")
    .Attr("axis: int")
    .Attr("run: int >= 1")
    .Attr("height: int >= 1")
    .Attr("width: int >= 1")
    .Attr("taps: int >= 1")
    .SetShapeFn([](tensorflow::shape_inference::InferenceContext* c) {
      tensorflow::shape_inference::ShapeHandle table, kernel;
      TF_RETURN_IF_ERROR(c->WithRank(c->input(0), 2, &table));
      TF_RETURN_IF_ERROR(c->WithRank(c->input(1), 2, &kernel));
      c->set_output(0, c->Matrix(c->Dim(table, 0), c->Dim(kernel, 1)));
      return absl::OkStatus();
    });

class ContourOperation : public tensorflow::OpKernel {
 public:
  explicit ContourOperation(tensorflow::OpKernelConstruction* construction)
      : OpKernel(construction), operands_(construction) {}

  void Compute(tensorflow::OpKernelContext* context) override {
    ContourShape shape;
    std::vector<const float*> offsets;
    OP_REQUIRES_OK(context, operands_.read(context, 0, &shape, &offsets));
    tensorflow::Tensor* y;
    OP_REQUIRES_OK(context, context->allocate_output(0, {context->input(0).dim_size(0), shape.outputs}, &y));
    contour(deviceThreads(context), shape, floats(context, 0), floats(context, 1), offsets.data(), floats(y));
  }

 private:
  ContourOperands operands_;
};

REGISTER_KERNEL_BUILDER(Name("StfContour").Device(tensorflow::DEVICE_CPU), ContourOperation);

REGISTER_OP("StfContourGradient")
    .Input("dy: float")
    .Input("table: float")
    .Input("kernel: float")
    .Input("offsets: passes * float")
    .Output("d_table: float")
    .Output("d_kernel: float")
    .Output("d_offsets: passes * float")
    .Attr("passes: int >= 0")
    .Attr("axis: int")
    .Attr("run: int >= 1")
    .Attr("height: int >= 1")
    .Attr("width: int >= 1")
    .Attr("taps: int >= 1")
    .SetShapeFn([](tensorflow::shape_inference::InferenceContext* c) {
      for (int i = 0; i < c->num_outputs(); ++i) c->set_output(i, c->input(i + 1));
      return absl::OkStatus();
    });

class ContourGradientOperation : public tensorflow::OpKernel {
 public:
  explicit ContourGradientOperation(tensorflow::OpKernelConstruction* construction)
      : OpKernel(construction), operands_(construction) {}

  void Compute(tensorflow::OpKernelContext* context) override {
    ContourShape shape;
    std::vector<const float*> offsets;
    OP_REQUIRES_OK(context, operands_.read(context, 1, &shape, &offsets));
    const int64_t wanted = context->input(1).dim_size(0) * shape.outputs;
    OP_REQUIRES(context, context->input(0).NumElements() == wanted,
                absl::InvalidArgumentError(absl::StrCat("Expected ", wanted, " elements for dy but received ",
                                                        context->input(0).NumElements())));
    std::vector<tensorflow::Tensor*> outputs(2 + offsets.size());
    for (size_t i = 0; i < outputs.size(); ++i) {
      const int input = static_cast<int>(i) + 1;
      OP_REQUIRES_OK(context, context->allocate_output(static_cast<int>(i), context->input(input).shape(), &outputs[i]));
    }
    std::vector<float*> dOffsets;
    for (size_t pass = 0; pass < offsets.size(); ++pass) dOffsets.push_back(floats(outputs[2 + pass]));
    contourGradient(deviceThreads(context), shape, floats(context, 0), floats(context, 1), floats(context, 2),
                    offsets.data(), floats(outputs[0]), floats(outputs[1]), dOffsets.data());
  }

 private:
  ContourOperands operands_;
};

REGISTER_KERNEL_BUILDER(Name("StfContourGradient").Device(tensorflow::DEVICE_CPU), ContourGradientOperation);

}  // namespace stf
