// A TensorFlow graph that grows node by node, with the session that runs it, for JavaScript. Adding a node infers the
// shapes of its outputs, so a computation can be recorded without being carried out.
#include <napi.h>

#include <cstring>
#include <exception>
#include <memory>
#include <string>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "tensorflow/c/c_api.h"
#include "tensorflow/core/framework/op.h"
#include "tensorflow/core/framework/op_def.pb.h"
#include "tensorflow/core/framework/step_stats.pb.h"
#include "tensorflow/core/protobuf/config.pb.h"
#include "tensorflow/core/protobuf/meta_graph.pb.h"
#include "tensorflow/core/protobuf/rewriter_config.pb.h"
#include "tensorflow/core/protobuf/saved_model.pb.h"

namespace {

struct Status {
  TF_Status* const status = TF_NewStatus();
  ~Status() { TF_DeleteStatus(status); }
  // Throws what TensorFlow said, after `where`.
  void check(Napi::Env env, const std::string& where) const {
    if (TF_GetCode(status) != TF_OK) throw Napi::Error::New(env, where + ": " + TF_Message(status));
  }
};

std::string text(const Napi::Value& value) { return value.As<Napi::String>().Utf8Value(); }
int64_t integer(const Napi::Value& value) { return value.As<Napi::Number>().Int64Value(); }

std::vector<int64_t> integers(const Napi::Value& value) {
  const auto array = value.As<Napi::Array>();
  std::vector<int64_t> result(array.Length());
  for (uint32_t i = 0; i < array.Length(); ++i) result[i] = integer(array.Get(i));
  return result;
}

using BufferPointer = std::unique_ptr<TF_Buffer, decltype(&TF_DeleteBuffer)>;
using TensorPointer = std::unique_ptr<TF_Tensor, decltype(&TF_DeleteTensor)>;

// The bytes of a typed array.
const void* bytesOf(const Napi::TypedArray& array) {
  return static_cast<const uint8_t*>(array.ArrayBuffer().Data()) + array.ByteOffset();
}

// A tensor with room for the bytes of a typed array.
TensorPointer roomFor(Napi::Env env, TF_DataType dtype, const std::vector<int64_t>& shape,
                      const Napi::TypedArray& array) {
  size_t bytes = TF_DataTypeSize(dtype);
  for (const int64_t n : shape) bytes *= static_cast<size_t>(n);
  if (bytes != array.ByteLength())
    throw Napi::Error::New(env, "Expected " + std::to_string(bytes) + " bytes for a tensor but received " +
                                    std::to_string(array.ByteLength()));
  return TensorPointer(TF_AllocateTensor(dtype, shape.data(), static_cast<int>(shape.size()), bytes), TF_DeleteTensor);
}

void fill(TF_Tensor* tensor, const void* bytes) {
  if (TF_TensorByteSize(tensor) > 0) std::memcpy(TF_TensorData(tensor), bytes, TF_TensorByteSize(tensor));
}

// A tensor with a copy of the bytes of a typed array.
TensorPointer tensorOf(Napi::Env env, TF_DataType dtype, const std::vector<int64_t>& shape, const Napi::Value& values) {
  const auto array = values.As<Napi::TypedArray>();
  TensorPointer tensor = roomFor(env, dtype, shape, array);
  fill(tensor.get(), bytesOf(array));
  return tensor;
}

BufferPointer serialised(const tensorflow::RunOptions& options) {
  const std::string bytes = options.SerializeAsString();
  return BufferPointer(TF_NewBufferFromString(bytes.data(), bytes.size()), TF_DeleteBuffer);
}

// One run of a session: all that it needs, so that it can be carried out where JavaScript's values are out of reach.
struct Run {
  std::vector<TF_Output> inputs;
  std::vector<TensorPointer> fed;
  // JavaScript's memory, read when the run begins: JavaScript waits for its end and changes nothing meanwhile.
  std::vector<const void*> bytes;
  std::vector<TF_Output> fetches;
  std::vector<const TF_Operation*> targets;
  tensorflow::RunOptions options;
  BufferPointer metadata{nullptr, TF_DeleteBuffer};
  std::vector<TensorPointer> fetched;
  Status status;

  void carryOut(TF_Session* session) {
    try {
      std::vector<TF_Tensor*> values;
      for (size_t i = 0; i < fed.size(); ++i) {
        fill(fed[i].get(), bytes[i]);
        values.push_back(fed[i].get());
      }
      std::vector<TF_Tensor*> answers(fetches.size(), nullptr);
      TF_SessionRun(session, serialised(options).get(), inputs.data(), values.data(), static_cast<int>(inputs.size()),
                    fetches.data(), answers.data(), static_cast<int>(fetches.size()), targets.data(),
                    static_cast<int>(targets.size()), metadata.get(), status.status);
      for (TF_Tensor* tensor : answers) fetched.emplace_back(tensor, TF_DeleteTensor);
    } catch (const std::exception& error) {
      // Nothing may leave a thread.
      TF_SetStatus(status.status, TF_INTERNAL, error.what());
    }
  }
};

// How many tensors an input argument of an operation takes, from its attributes.
int64_t lengthOf(Napi::Env env, const tensorflow::OpDef::ArgDef& argument, const Napi::Object& attributes) {
  const std::string& name = argument.number_attr().empty() ? argument.type_list_attr() : argument.number_attr();
  const Napi::Value value = attributes.Get(name).As<Napi::Object>().Get("value");
  if (value.IsArray()) return value.As<Napi::Array>().Length();
  if (value.IsNumber()) return integer(value);
  throw Napi::Error::New(env, "Expected attribute " + name + " to say how many inputs " + argument.name() + " has");
}

class Graph : public Napi::ObjectWrap<Graph> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "Graph",
                       {InstanceMethod<&Graph::addOperation>("addOperation"),
                        InstanceMethod<&Graph::run>("run"),
                        InstanceMethod<&Graph::runBeside>("runBeside"),
                        InstanceMethod<&Graph::savedModel>("savedModel"),
                        InstanceMethod<&Graph::dispose>("dispose")});
  }

  explicit Graph(const Napi::CallbackInfo& info) : Napi::ObjectWrap<Graph>(info) {
    options_ = configOf(info[0].As<Napi::Object>()).SerializeAsString();
  }

  ~Graph() override { release(); }

 private:
  struct Output {
    TF_Output tensor;
    TF_DataType dtype;
  };

  static tensorflow::ConfigProto configOf(const Napi::Object& options) {
    tensorflow::ConfigProto config;
    config.set_intra_op_parallelism_threads(static_cast<int>(integer(options.Get("intraOpThreads"))));
    config.set_inter_op_parallelism_threads(static_cast<int>(integer(options.Get("interOpThreads"))));
    config.mutable_gpu_options()->set_allow_growth(true);
    auto* graph = config.mutable_graph_options();
    // A recomputation for a gradient checkpoint looks like a common subexpression; merged, it would save no memory.
    graph->mutable_optimizer_options()->set_do_common_subexpression_elimination(false);
    auto* rewrite = graph->mutable_rewrite_options();
    rewrite->set_common_subgraph_elimination(tensorflow::RewriterConfig::OFF);
    // The model lays its maps out as the processor's kernels want them.
    rewrite->set_layout_optimizer(tensorflow::RewriterConfig::OFF);
    rewrite->set_meta_optimizer_iterations(tensorflow::RewriterConfig::ONE);
    // The optimiser checks a rewritten graph against this time, and a large step takes longer to look at.
    rewrite->set_meta_optimizer_timeout_ms(-1);
    return config;
  }

  // addOperation({type, name, inputs: outputs, controls: operations, attributes: {name: {kind, value, shape?}}})
  // → {operation, outputs: [{output, dtype, shape}]}
  Napi::Value addOperation(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    const auto request = info[0].As<Napi::Object>();
    const std::string type = text(request.Get("type"));
    const std::string name = text(request.Get("name"));
    const auto inputs = integers(request.Get("inputs"));
    const auto attributes = request.Get("attributes").As<Napi::Object>();

    const tensorflow::OpDef* definition = nullptr;
    if (!tensorflow::OpRegistry::Global()->LookUpOpDef(type, &definition).ok())
      throw Napi::Error::New(env, "TensorFlow has no operation " + type);
    TF_OperationDescription* description = TF_NewOperation(graph(), type.c_str(), name.c_str());
    size_t next = 0;
    std::string fault;
    auto take = [&]() -> TF_Output {
      if (next >= inputs.size()) {
        fault = "too few inputs";
        return {nullptr, 0};
      }
      return output(env, inputs[next++]).tensor;
    };
    for (const auto& argument : definition->input_arg()) {
      if (argument.number_attr().empty() && argument.type_list_attr().empty()) {
        const TF_Output input = take();
        if (input.oper != nullptr) TF_AddInput(description, input);
        continue;
      }
      std::vector<TF_Output> list(static_cast<size_t>(lengthOf(env, argument, attributes)));
      for (auto& input : list) input = take();
      if (fault.empty()) TF_AddInputList(description, list.data(), static_cast<int>(list.size()));
    }
    if (next != inputs.size()) fault = "too many inputs";
    for (const int64_t control : integers(request.Get("controls")))
      TF_AddControlInput(description, operation(env, control));
    Status status;
    const auto names = attributes.GetPropertyNames();
    for (uint32_t i = 0; i < names.Length(); ++i) {
      const std::string key = text(names.Get(i));
      if (!hasAttribute(*definition, key)) continue;
      setAttribute(env, description, key, attributes.Get(key).As<Napi::Object>(), status);
    }
    TF_Operation* operation = TF_FinishOperation(description, status.status);
    if (!fault.empty()) throw Napi::Error::New(env, type + ": " + fault);
    status.check(env, type);
    return described(env, operation);
  }

  static bool hasAttribute(const tensorflow::OpDef& definition, const std::string& name) {
    // Attributes that begin with an underscore are notes to the graph's optimisers, which any operation may carry.
    if (name.rfind('_', 0) == 0) return true;
    for (const auto& attribute : definition.attr())
      if (attribute.name() == name) return true;
    return false;
  }

  static void setAttribute(Napi::Env env, TF_OperationDescription* description, const std::string& name,
                           const Napi::Object& attribute, const Status& status) {
    const std::string kind = text(attribute.Get("kind"));
    const Napi::Value value = attribute.Get("value");
    if (kind == "type") {
      TF_SetAttrType(description, name.c_str(), static_cast<TF_DataType>(integer(value)));
    } else if (kind == "bool") {
      TF_SetAttrBool(description, name.c_str(), value.ToBoolean().Value());
    } else if (kind == "float") {
      TF_SetAttrFloat(description, name.c_str(), value.As<Napi::Number>().FloatValue());
    } else if (kind == "string") {
      const std::string content = text(value);
      TF_SetAttrString(description, name.c_str(), content.data(), content.size());
    } else if (kind == "int" && value.IsArray()) {
      const auto list = integers(value);
      TF_SetAttrIntList(description, name.c_str(), list.data(), static_cast<int>(list.size()));
    } else if (kind == "int") {
      TF_SetAttrInt(description, name.c_str(), integer(value));
    } else if (kind == "shape") {
      const auto shape = integers(value);
      TF_SetAttrShape(description, name.c_str(), shape.data(), static_cast<int>(shape.size()));
    } else if (kind == "tensor") {
      const auto dtype = static_cast<TF_DataType>(integer(attribute.Get("dtype")));
      const auto tensor = tensorOf(env, dtype, integers(attribute.Get("shape")), value);
      TF_SetAttrTensor(description, name.c_str(), tensor.get(), status.status);
      status.check(env, name);
    } else {
      throw Napi::Error::New(env, "Expected a known kind for attribute " + name + " but received " + kind);
    }
  }

  Napi::Value described(Napi::Env env, TF_Operation* operation) {
    auto result = Napi::Object::New(env);
    result.Set("operation", Napi::Number::New(env, static_cast<double>(operations_.size())));
    operations_.push_back(operation);
    const int count = TF_OperationNumOutputs(operation);
    auto list = Napi::Array::New(env, static_cast<size_t>(count));
    for (int i = 0; i < count; ++i) {
      const TF_Output output{operation, i};
      Status status;
      const int rank = TF_GraphGetTensorNumDims(graph_, output, status.status);
      auto description = Napi::Object::New(env);
      description.Set("output", Napi::Number::New(env, static_cast<double>(outputs_.size())));
      description.Set("dtype", Napi::Number::New(env, TF_OperationOutputType(output)));
      if (rank >= 0) {
        std::vector<int64_t> dims(static_cast<size_t>(rank));
        TF_GraphGetTensorShape(graph_, output, dims.data(), rank, status.status);
        auto shape = Napi::Array::New(env, dims.size());
        for (uint32_t d = 0; d < dims.size(); ++d) shape.Set(d, Napi::Number::New(env, static_cast<double>(dims[d])));
        description.Set("shape", shape);
      }
      outputs_.push_back({output, TF_OperationOutputType(output)});
      list.Set(static_cast<uint32_t>(i), description);
    }
    result.Set("outputs", list);
    return result;
  }

  // run({feeds: [{output, shape, values}], fetches: outputs, targets: operations, profile: bool})
  // → {values: [{dtype, shape, values: ArrayBuffer}], profile?: [{name, label, begin, microseconds}]}
  Napi::Value run(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    Run run;
    prepare(env, info[0].As<Napi::Object>(), run);
    run.carryOut(session(env));
    run.status.check(env, "the recorded step");
    return answered(env, run);
  }

  // runBeside(main, side), both as for `run`: the side run goes on in a thread of its own while the main one does in
  // this. Comes back when both have ended, with what the main one gives or the first error, the main one's before all.
  Napi::Value runBeside(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    Run main, side;
    prepare(env, info[0].As<Napi::Object>(), main);
    prepare(env, info[1].As<Napi::Object>(), side);
    // In its own thread, all of it: the session's only one is busy with the nodes of the main run.
    side.options.set_inter_op_thread_pool(-1);
    TF_Session* const shared = session(env);
    std::thread beside([&] { side.carryOut(shared); });
    main.carryOut(shared);
    beside.join();
    main.status.check(env, "the recorded step");
    side.status.check(env, "beside the recorded step");
    return answered(env, main);
  }

  void prepare(Napi::Env env, const Napi::Object& request, Run& run) const {
    const auto feeds = request.Get("feeds").As<Napi::Array>();
    for (uint32_t i = 0; i < feeds.Length(); ++i) {
      const auto feed = feeds.Get(i).As<Napi::Object>();
      const Output& placeholder = output(env, integer(feed.Get("output")));
      const auto values = feed.Get("values").As<Napi::TypedArray>();
      run.inputs.push_back(placeholder.tensor);
      run.fed.push_back(roomFor(env, placeholder.dtype, integers(feed.Get("shape")), values));
      run.bytes.push_back(bytesOf(values));
    }
    for (const int64_t number : integers(request.Get("fetches"))) run.fetches.push_back(output(env, number).tensor);
    for (const int64_t target : integers(request.Get("targets"))) run.targets.push_back(operation(env, target));
    if (!request.Get("profile").ToBoolean().Value()) return;
    run.options.set_trace_level(tensorflow::RunOptions::FULL_TRACE);
    run.metadata.reset(TF_NewBuffer());
  }

  static Napi::Value answered(Napi::Env env, const Run& run) {
    auto result = Napi::Object::New(env);
    if (run.metadata) result.Set("profile", profileOf(env, *run.metadata));
    auto list = Napi::Array::New(env, run.fetched.size());
    for (uint32_t i = 0; i < run.fetched.size(); ++i) list.Set(i, copied(env, run.fetched[i].get()));
    result.Set("values", list);
    return result;
  }

  // A fetched tensor's bytes in JavaScript's memory.
  static Napi::Value copied(Napi::Env env, const TF_Tensor* tensor) {
    auto buffer = Napi::ArrayBuffer::New(env, TF_TensorByteSize(tensor));
    std::memcpy(buffer.Data(), TF_TensorData(tensor), TF_TensorByteSize(tensor));
    auto result = Napi::Object::New(env);
    result.Set("dtype", Napi::Number::New(env, TF_TensorType(tensor)));
    const int rank = TF_NumDims(tensor);
    auto shape = Napi::Array::New(env, static_cast<size_t>(rank));
    for (int d = 0; d < rank; ++d)
      shape.Set(static_cast<uint32_t>(d), Napi::Number::New(env, static_cast<double>(TF_Dim(tensor, d))));
    result.Set("shape", shape);
    result.Set("values", buffer);
    return result;
  }

  static Napi::Value profileOf(Napi::Env env, const TF_Buffer& metadata) {
    tensorflow::RunMetadata parsed;
    parsed.ParseFromArray(metadata.data, static_cast<int>(metadata.length));
    auto list = Napi::Array::New(env);
    for (const auto& device : parsed.step_stats().dev_stats())
      for (const auto& node : device.node_stats()) {
        auto entry = Napi::Object::New(env);
        entry.Set("name", Napi::String::New(env, node.node_name()));
        entry.Set("label", Napi::String::New(env, node.timeline_label()));
        entry.Set("begin", Napi::Number::New(env, static_cast<double>(node.all_start_micros())));
        entry.Set("microseconds",
                  Napi::Number::New(env, static_cast<double>(node.op_end_rel_micros() - node.op_start_rel_micros())));
        list.Set(list.Length(), entry);
      }
    return list;
  }

  // savedModel({inputs: {name: output}, outputs: {name: output}}) → the bytes of saved_model.pb, for serving
  Napi::Value savedModel(const Napi::CallbackInfo& info) {
    const Napi::Env env = info.Env();
    const auto request = info[0].As<Napi::Object>();
    const BufferPointer buffer(TF_NewBuffer(), TF_DeleteBuffer);
    Status status;
    TF_GraphToGraphDef(graph(), buffer.get(), status.status);
    status.check(env, "the graph");
    tensorflow::SavedModel model;
    model.set_saved_model_schema_version(1);
    auto* meta = model.add_meta_graphs();
    meta->mutable_meta_info_def()->add_tags("serve");
    const bool parsed = meta->mutable_graph_def()->ParseFromArray(buffer->data, static_cast<int>(buffer->length));
    if (!parsed) throw Napi::Error::New(env, "the graph cannot be written: it is larger than 2 GB");
    auto& signature = (*meta->mutable_signature_def())["serving_default"];
    signature.set_method_name("tensorflow/serving/predict");
    describeTensors(request.Get("inputs").As<Napi::Object>(), *signature.mutable_inputs());
    describeTensors(request.Get("outputs").As<Napi::Object>(), *signature.mutable_outputs());
    const std::string bytes = model.SerializeAsString();
    return Napi::Buffer<char>::Copy(env, bytes.data(), bytes.size());
  }

  template <typename Map>
  void describeTensors(const Napi::Object& named, Map& tensors) {
    const auto names = named.GetPropertyNames();
    for (uint32_t i = 0; i < names.Length(); ++i) {
      const std::string name = text(names.Get(i));
      const auto& [tensor, dtype] = output(named.Env(), integer(named.Get(name)));
      auto& described = tensors[name];
      described.set_name(std::string(TF_OperationName(tensor.oper)) + ":" + std::to_string(tensor.index));
      described.set_dtype(static_cast<tensorflow::DataType>(dtype));
      Status status;
      std::vector<int64_t> dims(static_cast<size_t>(TF_GraphGetTensorNumDims(graph_, tensor, status.status)));
      TF_GraphGetTensorShape(graph_, tensor, dims.data(), static_cast<int>(dims.size()), status.status);
      for (const int64_t size : dims) described.mutable_tensor_shape()->add_dim()->set_size(size);
    }
  }

  // What a number stands for that addOperation gave out.
  const Output& output(Napi::Env env, int64_t number) const {
    if (number < 0 || number >= static_cast<int64_t>(outputs_.size()))
      throw Napi::Error::New(env, "the graph has no output " + std::to_string(number));
    return outputs_[static_cast<size_t>(number)];
  }

  TF_Operation* operation(Napi::Env env, int64_t number) const {
    if (number < 0 || number >= static_cast<int64_t>(operations_.size()))
      throw Napi::Error::New(env, "the graph has no operation " + std::to_string(number));
    return operations_[static_cast<size_t>(number)];
  }

  TF_Graph* graph() {
    if (graph_ == nullptr) graph_ = TF_NewGraph();
    return graph_;
  }

  TF_Session* session(Napi::Env env) {
    if (session_ != nullptr) return session_;
    Status status;
    TF_SessionOptions* options = TF_NewSessionOptions();
    TF_SetConfig(options, options_.data(), options_.size(), status.status);
    if (TF_GetCode(status.status) == TF_OK) session_ = TF_NewSession(graph(), options, status.status);
    TF_DeleteSessionOptions(options);
    status.check(env, "the session");
    return session_;
  }

  Napi::Value dispose(const Napi::CallbackInfo& info) {
    release();
    return info.Env().Undefined();
  }

  void release() {
    Status status;
    if (session_ != nullptr) {
      TF_CloseSession(session_, status.status);
      TF_DeleteSession(session_, status.status);
    }
    if (graph_ != nullptr) TF_DeleteGraph(graph_);
    session_ = nullptr;
    graph_ = nullptr;
    outputs_.clear();
    operations_.clear();
  }

  std::string options_;
  TF_Graph* graph_ = nullptr;
  TF_Session* session_ = nullptr;
  std::vector<Output> outputs_;
  std::vector<TF_Operation*> operations_;
};

Napi::Object initialise(Napi::Env env, Napi::Object exports) {
  exports.Set("Graph", Graph::define(env));
  return exports;
}

}  // namespace

NODE_API_MODULE(stf_engine, initialise)
